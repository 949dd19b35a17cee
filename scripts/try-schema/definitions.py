"""Statements of a pg_dump, one a line and sorted, without what pgsync never copies."""

import re
import sys

OMITTED = re.compile(
    r"(SET |SELECT pg_catalog\.set_config|\\|COMMENT ON (EXTENSION|SCHEMA|VIEW|MATERIALIZED VIEW|FUNCTION|PROCEDURE|TRIGGER|RULE|POLICY|AGGREGATE|CAST|TEXT SEARCH|FOREIGN TABLE|SERVER)"
    r"|CREATE (OR REPLACE )?(VIEW|MATERIALIZED VIEW|FUNCTION|PROCEDURE|TRIGGER|CONSTRAINT TRIGGER|RULE|POLICY|AGGREGATE|EVENT TRIGGER|FOREIGN|SERVER|USER MAPPING|CAST|OPERATOR|TEXT SEARCH|PUBLICATION|ACCESS METHOD)"
    r"|ALTER TEXT SEARCH|ALTER OPERATOR|ALTER TABLE \S+ (ENABLE|DISABLE|FORCE|NO FORCE|ENABLE REPLICA|ENABLE ALWAYS) (ROW|TRIGGER|RULE|ALWAYS|REPLICA))"
)
text = "\n".join(line for line in sys.stdin.read().split("\n") if not line.startswith("--"))
# A body in dollar quotes may hold semicolons.
text = re.sub(r"(\$(\w*)\$).*?\1", "BODY", text, flags=re.S)
statements = [re.sub(r"\s+", " ", part).strip() for part in text.split(";\n")]
views = re.findall(r"CREATE MATERIALIZED VIEW (\S+)", text)
OF_VIEWS = re.compile(rf"(CREATE (UNIQUE )?INDEX \S+ ON|ALTER TABLE) (ONLY )?({'|'.join(map(re.escape, views)) or '-'}) ")
for statement in sorted(part for part in statements if part and not OMITTED.match(part) and not OF_VIEWS.match(part)):
    print(statement)
