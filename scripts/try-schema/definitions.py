"""Objects of a pg_dump, one a line and sorted, without what pgsync never copies."""

import re
import sys

OMITTED = re.compile(
    r"(SET |SELECT pg_catalog\.set_config|COMMENT ON (EXTENSION|SCHEMA|VIEW|MATERIALIZED VIEW|FUNCTION|PROCEDURE|TRIGGER|RULE|POLICY|AGGREGATE|CAST|OPERATOR|TEXT SEARCH|FOREIGN TABLE|SERVER)"
    r"|CREATE (OR REPLACE )?(VIEW|MATERIALIZED VIEW|FUNCTION|PROCEDURE|TRIGGER|CONSTRAINT TRIGGER|RULE|POLICY|AGGREGATE|EVENT TRIGGER|FOREIGN|SERVER|USER MAPPING|CAST|OPERATOR|TEXT SEARCH|PUBLICATION|ACCESS METHOD)"
    r"|ALTER TEXT SEARCH|ALTER OPERATOR|ALTER TABLE \S+ (ENABLE|DISABLE|ENABLE REPLICA|ENABLE ALWAYS) (ROW|TRIGGER|RULE|ALWAYS|REPLICA))"
)
# What is set between objects, or about the rights to a table's rows.
NO_OBJECT = re.compile(r"^(SET \w+ = .*;|\\.*|ALTER TABLE ONLY \S+ FORCE ROW LEVEL SECURITY;)$", re.M)
text = sys.stdin.read()
# Each object has a heading.
objects = re.split(r"^--\n-- (?:Name|PostgreSQL database dump).*\n--\n", text, flags=re.M)
objects = [re.sub(r"\s+", " ", NO_OBJECT.sub("", part)).strip() for part in objects[1:]]
views = re.findall(r"CREATE MATERIALIZED VIEW (\S+)", text)
OF_VIEWS = re.compile(rf"(CREATE (UNIQUE )?INDEX \S+ ON|ALTER TABLE) (ONLY )?({'|'.join(map(re.escape, views)) or '-'}) ")
for part in sorted(part for part in objects if part and not OMITTED.match(part) and not OF_VIEWS.match(part)):
    print(part)
