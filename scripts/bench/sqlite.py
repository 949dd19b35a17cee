"""A SQLite file as the source, beside what sqlite3 and psql need for the same work."""

import shutil
import sqlite3
import subprocess
import time

from cases import DATABASE
from measure import TOOL, Contender, say
from servers import pipe

# How a row's number becomes its key: the declaration, the values, the columns.
KEYS = {
    "integer": ("id integer primary key", "i", ["id"]),
    "text": ("id text primary key not null", "printf('key %012d', (i * 7919) % 100000000)", ["id"]),
    "composite": ("kind integer not null, id text not null, primary key (kind, id)", "i % 1000, printf('key %d', i)",
                  ["kind", "id"]),
}

NUMBERS = "with recursive n(i) as (select 1 union all select i + 1 from n where i < {rows})"
# As the file declares it, as the target does, how pgsync hashes it there.
COLUMNS = {
    "name": ("text", "text", "hashtextextended({0} collate \"C\", 2)"),
    "n": ("integer", "bigint", "hashint8extended({0}, {0} # 3)"),
    "price": ("real", "double precision", "hashtextextended(float8send({0})::text collate \"C\", 4)"),
    "note": ("text", "text", "hashtextextended({0} collate \"C\", 5)"),
    "updated_at": ("datetime", "timestamp", "hashtextextended(timestamp_send({0})::text collate \"C\", 6)"),
}
VALUES = "'name ' || i, i, i / 8.0, 'a note of some length, so that rows are as long as rows are ' || i, " \
         "datetime(1700000000 + i, 'unixepoch')"


class File:
    """A file with a table `item`, and what it is on the target."""

    def __init__(self, bench, key):
        self.bench, self.path = bench, bench.pair.work / f"{key}.db"
        declared, values, self.keys = KEYS[key]
        self.path.unlink(missing_ok=True)
        columns = ", ".join(f"{name} {kinds[0]}" for name, kinds in COLUMNS.items())
        parts = declared.split(", primary key", 1)
        table = ", ".join([parts[0], columns, *(f"primary key{part}" for part in parts[1:])])
        tail = " without rowid" if key == "composite" else ""
        self.run(f"create table item ({table}){tail}",
                 f"{NUMBERS.format(rows=bench.rows)} insert into item select {values}, {VALUES} from n")
        there = [f"{name} {'text' if name == 'id' and key != 'integer' else 'bigint'}" for name in self.keys]
        there += [f"{name} {kinds[1]}" for name, kinds in COLUMNS.items()]
        self.create = f"create table item ({', '.join(there)}, primary key ({', '.join(self.keys)}))"

    def run(self, *statements):
        connection = sqlite3.connect(self.path)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    def settle(self):
        """A file that was written just now may be written again at the same time."""
        time.sleep(2.1)

    def sync(self, **expected):
        def run():
            self.bench.tool.run(f"sqlite://{self.path}", self.bench.pair.target.url(DATABASE))
            self.bench.tool.did(**expected)
        return run

    def read(self):
        lengths = " + ".join(f"length({name})" for name in [*self.keys, *COLUMNS])
        subprocess.run(["sqlite3", str(self.path), f"select sum({lengths}) from item"], check=True,
                       stdout=subprocess.DEVNULL)

    def digest(self):
        keys = (f"hashtextextended({name}::text collate \"C\", 1)" for name in self.keys)
        hashes = [*keys, *(kinds[2].format(name) for name, kinds in COLUMNS.items())]
        self.bench.pair.target.run(DATABASE, f"select count(*), sum({' # '.join(hashes)}) from item")

    def read_and_digest(self):
        self.read()
        self.digest()


def sqlite(bench):
    for key in KEYS:
        file = File(bench, key)
        bench.pair.target.create(DATABASE)
        bench.pair.target.run(DATABASE, file.create)
        first(bench, file, key)
        again(bench, file, key)
        bench.pair.drop(DATABASE)
        file.path.unlink()


def first(bench, file, key):
    target = bench.pair.target

    def empty():
        target.run(DATABASE, "truncate item", "drop table if exists sync_log, item_of_ogr", "checkpoint")

    contenders = [
        Contender(TOOL, file.sync(inserted=bench.rows), empty),
        Contender("sqlite3 -csv | psql COPY", lambda: pipe(
            ["sqlite3", "-csv", str(file.path), "select * from item"],
            target.psql(DATABASE, "copy item from stdin csv")), empty),
    ]
    if shutil.which("ogr2ogr"):
        # Into a table that it makes itself.
        contenders.append(Contender("ogr2ogr", lambda: subprocess.run(
            ["ogr2ogr", "-f", "PostgreSQL", "-overwrite", "--config", "PG_USE_COPY", "YES", "-nln", "item_of_ogr",
             f"PG:host=127.0.0.1 port={target.port} user=postgres dbname={DATABASE}", str(file.path), "item"],
            check=True, stdout=subprocess.DEVNULL), empty))
    if shutil.which("pgloader"):
        contenders.append(Contender("pgloader", lambda: subprocess.run(
            ["pgloader", "--with", "data only", str(file.path), target.url(DATABASE)],
            check=True, stdout=subprocess.DEVNULL), empty))
    measure(bench, f"{bench.rows:,} rows, {key} key, first copy", contenders)
    empty()
    file.sync()()


def again(bench, file, key):
    changed = bench.rows // 100
    file.settle()
    file.sync(processed=0)()
    measure(bench, f"{bench.rows:,} rows, {key} key, untouched", [
        Contender(TOOL, file.sync(processed=0)),
        Contender("psql: the target's row digest", file.digest),
    ])

    def touch():
        """SQLite writes nothing where a row gets the values that it has."""
        file.run(f"pragma user_version = {int(time.time())}")

    measure(bench, f"{bench.rows:,} rows, {key} key, touched but equal", [
        Contender(TOOL, file.sync(processed=0), touch),
        Contender("sqlite3: sum of lengths, then psql: digest", file.read_and_digest),
    ])

    def change(number):
        file.run(f"update item set note = 'changed in round {number}' where n % 100 = {number}")
        bench.pair.target.run(DATABASE, "vacuum (analyze) item", "checkpoint")

    measure(bench, f"{bench.rows:,} rows, {key} key, 1 % changed", [
        Contender(TOOL, file.sync(updated=changed)),
        Contender("sqlite3: sum of lengths, then psql: digest", file.read_and_digest),
    ], change)


def measure(bench, work, contenders, before_round=lambda number: None):
    result = bench.measure("sqlite", work, contenders, before_round)
    say(f"sqlite: {work}: {result.tool().peak / 1024:.0f} MiB at most")


ALL = {"sqlite": sqlite}
