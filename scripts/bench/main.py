"""The bench: which cases, how often, and what is said about them. Started by scripts/bench.sh."""

import argparse
import pathlib
import os

import cases
import geopackage
import rules
import sqlite
import table
from measure import Bench, Tool
from servers import Pair


ALL = {**cases.ALL, **rules.ALL, **sqlite.ALL, **geopackage.ALL}
# It takes half an hour.
ONLY_BY_NAME = {"long-watch"}


def arguments():
    parser = argparse.ArgumentParser(prog="bench.sh", description="Measures pgsync beside its yardsticks.")
    parser.add_argument("case", nargs="*", metavar="case", help=f"one of {', '.join(ALL)}; without any all but {', '.join(ONLY_BY_NAME)}")
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of the table (2000000)")
    parser.add_argument("--repeat", type=int, default=5, help="rounds that count (5), at most 8")
    parser.add_argument("--md", action="store_true", help="print the table as Markdown")
    parser.add_argument("--json", default="target/bench.json", help="where the figures go (target/bench.json)")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    given = parser.parse_args()
    unknown = [case for case in given.case if case not in ALL]
    if unknown:
        parser.error(f"no case {unknown[0]}; there are {', '.join(ALL)}")
    if not 1 <= given.repeat <= 8:
        parser.error("--repeat takes 1 to 8: each round has changes of its own")
    given.rows = max(given.rows // 99_000, 1) * 99_000
    return given


def main():
    given = arguments()
    bench = Bench(Pair(given.work), Tool(os.environ.pop("PGSYNC_BIN")), given.rows, given.repeat)
    for case in given.case or [case for case in ALL if case not in ONLY_BY_NAME]:
        ALL[case](bench)
    machine = table.machine(bench.pair)
    pathlib.Path(given.json).write_text(table.as_json(bench.results, machine))
    print(table.as_markdown(bench.results, machine) if given.md else table.as_text(bench.results, machine))


if __name__ == "__main__":
    main()
