"""The cases: what pgsync does, and beside it what the servers need for the same by other means."""

import shutil
import statistics
import subprocess
import sys
import time

import data
import yardstick
from measure import TOOL, Contender, say
from repeated import Repeated
from servers import pipe

DATABASE = "bench"
OTHER = "bench_yardstick"


def sync(bench, *flags, database=DATABASE, ports=(None, None), **expected):
    """A contender's `run`: pgsync over one database."""
    source, target = bench.pair.source, bench.pair.target
    urls = source.url(DATABASE, ports[0]), target.url(database, ports[1])

    def run():
        bench.tool.run(*urls, *flags)
        bench.tool.did(**expected)

    return run


def fill(bench, create, load):
    """The same tables on both sides, rows on the source only."""
    bench.pair.create(DATABASE)
    bench.pair.both(DATABASE, *create)
    bench.pair.source.run(DATABASE, *load)
    bench.pair.source.run(DATABASE, "checkpoint")


def synced(bench, create, load):
    """Both sides filled and in sync, with a watermark."""
    bench.pair.create(DATABASE)
    bench.pair.both(DATABASE, *create, *load, "checkpoint")
    # Without a log pgsync compares what is there, and then knows where to go on.
    sync(bench)()


def first(bench):
    items = data.Items(bench.rows)
    fill(bench, items.create(), items.load())
    first_copy(bench, "first", f"{bench.rows:,} rows into an empty table with its indexes")


def first_wide(bench):
    for (create, load), work in (
        (data.wide(bench.rows // 20), f"{bench.rows // 20:,} rows of 100 columns"),
        (data.long(bench.rows // 100), f"{bench.rows // 100:,} rows of 20 kB"),
    ):
        fill(bench, create, load)
        first_copy(bench, "first-wide", work)


def first_copy(bench, case, work):
    source, target = bench.pair.source, bench.pair.target
    columns = source.run(DATABASE, "select string_agg(attname, ', ' order by attnum) from pg_attribute"
                         " where attrelid = 'item'::regclass and attnum > 0 and not attisdropped")
    copy = f"copy item ({columns})"

    def empty():
        target.run(DATABASE, "truncate item", "drop table if exists sync_log", "checkpoint")

    def fresh():
        target.create(OTHER)
        target.run(OTHER, "checkpoint")

    contenders = [
        Contender(TOOL, sync(bench, strategy="copy"), empty),
        Contender("psql COPY, binary", lambda: pipe(
            source.psql(DATABASE, f"{copy} to stdout (format binary)"),
            target.psql(DATABASE, f"{copy} from stdin (format binary)")), empty),
        pg_dump(bench, lambda: DATABASE, empty, "--data-only", "-t", "item"),
        *pgcopydb(bench, lambda: OTHER, fresh),
    ]
    bench.measure(case, work, contenders)
    bench.pair.drop(DATABASE, OTHER)


def many(bench):
    tables = max(1000 * bench.rows // 2_000_000, 10)
    create, load = data.many(tables)
    fill(bench, [create], [load])
    target = bench.pair.target
    rows = yardstick.many_rows(bench.pair, DATABASE, tables)
    truncate = "".join(f"truncate t{n};" for n in range(tables))

    def empty():
        target.run(DATABASE, truncate, "drop table if exists sync_log", "checkpoint")

    bench.measure("many", f"first copy of {tables:,} tables of 10 rows", [
        Contender(TOOL, sync(bench, inserted=tables * 10), empty),
        Contender("psql: the same COPY statements", lambda: yardstick.copy_many(bench.pair, DATABASE, rows), empty),
    ])
    empty()
    sync(bench)()
    bench.measure("many", f"{tables:,} tables of 10 rows, nothing changed", [
        Contender(TOOL, sync(bench, processed=0)),
        Contender("psql: digest of every table", lambda: yardstick.digest_many(bench.pair, DATABASE, tables)),
    ])
    bench.pair.drop(DATABASE)


def schema(bench):
    """First runs into a database that holds nothing at all."""
    tables = max(1000 * bench.rows // 2_000_000, 10)
    create, load = data.many(tables)
    items = data.Items(bench.rows)
    for work, create, load in (
        (f"{tables:,} tables of 10 rows", [create], [load]),
        (f"{bench.rows:,} rows in one table", items.create(), items.load()),
    ):
        bench.pair.source.create(DATABASE)
        bench.pair.source.run(DATABASE, *create, *load, "checkpoint")
        # A new one each time, and none is dropped before the end: where thousands of files have just
        # been removed, ext4 takes many times as long to make others.
        made = []

        def fresh():
            made.append(f"{DATABASE}_{len(made)}")
            bench.pair.target.create(made[-1])
            bench.pair.target.run(made[-1], "checkpoint")

        last = lambda: made[-1]
        contenders = [Contender(TOOL, lambda: sync(bench, database=last(), strategy="copy")(), fresh),
                      pg_dump(bench, last, fresh), *pgcopydb(bench, last, fresh)]
        bench.measure("schema", f"{work}, into an empty database", contenders)
        bench.pair.drop(DATABASE, *made)


def pg_dump(bench, database, prepare, *flags):
    source, target = bench.pair.source, bench.pair.target
    name = " ".join(["pg_dump", *flags, "| psql"])
    return Contender(name, lambda: pipe(
        ["pg_dump", *flags, source.url(DATABASE)], target.psql(database(), "")[:-2]), prepare)


def pgcopydb(bench, database, fresh):
    """Where it is installed."""
    if not shutil.which("pgcopydb"):
        return []
    folder = bench.pair.work / "pgcopydb"
    command = ["pgcopydb", "clone", "--source", bench.pair.source.url(DATABASE), "--dir", str(folder),
               "--table-jobs", "4", "--index-jobs", "2", "--split-tables-larger-than", "64MB"]

    def clone():
        target = ["--target", bench.pair.target.url(database())]
        subprocess.run([*command, *target], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def clear():
        shutil.rmtree(folder, ignore_errors=True)
        fresh()

    return [Contender("pgcopydb clone, indexes afterwards", clone, clear)]


def noop(bench):
    items = data.Items(bench.rows)
    synced(bench, items.create(), items.load())
    nothing_changed(bench, "noop", f"{bench.rows:,} rows, nothing changed")
    bench.pair.drop(DATABASE)


def nothing_changed(bench, case, work):
    bench.measure(case, work, [
        Contender(TOOL, sync(bench, processed=0, strategy="incremental")),
        Contender("psql: both count(*) at once", lambda: bench.pair.both(DATABASE, "select count(*) from item")),
    ])


def delta(bench):
    changes(bench, "delta", "bigint")


def changes(bench, case, key):
    """Two targets in the same state, so that both contenders find the same changes of a round."""
    items = data.Items(bench.rows, key)
    synced(bench, items.create(), items.load())
    source, target = bench.pair.source, bench.pair.target
    target.create(OTHER, DATABASE)

    def change(number):
        source.run(DATABASE, *items.change(number + 1), "checkpoint")
        for database in (DATABASE, OTHER):
            target.run(database, "vacuum (analyze) item", "checkpoint")

    bench.measure(case, f"{bench.rows:,} rows, {key} key: 1 % updated, 0.1 % deleted, 0.1 % inserted", [
        Contender(TOOL, sync(bench, strategy="incremental", deleted=bench.rows // 990)),
        Contender("psql: read, stage, upsert, digest, delete",
                  yardstick.Delta(bench.pair, items, DATABASE, OTHER).run),
    ], change)
    yardstick.refuse_difference(bench.pair, DATABASE, DATABASE)
    yardstick.refuse_difference(bench.pair, DATABASE, OTHER)
    bench.pair.drop(OTHER, DATABASE)


def compare(bench):
    items = data.Items(bench.rows, timestamp=False)
    synced(bench, items.create(), items.load())
    source = bench.pair.source
    contenders = lambda **expected: [
        Contender(TOOL, sync(bench, strategy="compare", **expected)),
        Contender("psql: digests of all rows' text, both at once",
                  lambda: bench.pair.both(DATABASE, yardstick.TEXT_DIGEST)),
        Contender("psql: digests by pgsync's own expression",
                  lambda: bench.pair.both(DATABASE, yardstick.column_digest(items))),
    ]

    def change(number):
        source.run(DATABASE, f"update item set name = 'changed in round {number}' where n % 1000 = {number}",
                   "vacuum (analyze) item")
        bench.pair.target.run(DATABASE, "vacuum (analyze) item", "checkpoint")

    bench.measure("compare", f"{bench.rows:,} rows without timestamp, 0.1 % changed", contenders(), change)
    bench.pair.drop(DATABASE)
    items = data.Items(bench.rows)
    synced(bench, items.create(), items.load())
    forget = lambda number: bench.pair.target.run(DATABASE, "drop table sync_log")
    bench.measure("compare", f"{bench.rows:,} rows restored from a dump, no watermark",
                  contenders(updated=0, inserted=0), forget)
    bench.pair.drop(DATABASE)


def uuid(bench):
    for key in ("uuid", "text"):
        items = data.Items(bench.rows, key)
        synced(bench, items.create(), items.load())
        nothing_changed(bench, "uuid", f"{bench.rows:,} rows, {key} key, nothing changed")
        bench.pair.drop(DATABASE)
        changes(bench, "uuid", key)


class Line:
    """Both servers at the end of a line of 50 ms and 100 Mbit/s."""

    def __init__(self, bench):
        program = [sys.executable, __file__.replace("cases.py", "slow_line.py")]
        ports = [bench.pair.source.port, bench.pair.target.port]
        self.running = [subprocess.Popen([*program, str(port)], stdout=subprocess.PIPE, text=True) for port in ports]
        self.ports = [int(process.stdout.readline()) for process in self.running]

    def __enter__(self):
        return self.ports

    def __exit__(self, *_):
        for process in self.running:
            process.terminate()
            process.wait()


ROUND_TRIP, BANDWIDTH = 0.05, 100e6 / 8


def wan(bench):
    for tables in (200, 1000):
        create, load = data.many(tables)
        synced(bench, [create], [load])
        with Line(bench) as ports:
            bench.measure("wan", f"{tables:,} unchanged tables, 50 ms round trip", [
                Contender(TOOL, sync(bench, "-parallel", "4", ports=ports, processed=0)),
            ], bound=("round trip × 2", 2 * ROUND_TRIP))
        bench.pair.drop(DATABASE)
    items = data.Items(bench.rows)
    synced(bench, items.create(), items.load())
    changed = bench.rows // 100

    def change(number):
        bench.pair.source.run(DATABASE, *items.change(number + 1)[:1], "vacuum (analyze) item")

    with Line(bench) as ports:
        bench.measure("wan", f"{bench.rows:,} rows, 1 % updated, 50 ms round trip, 100 Mbit/s", [
            Contender(TOOL, sync(bench, ports=ports)),
        ], change, bound=("bytes ÷ bandwidth", changed * 135 / BANDWIDTH))
    bench.pair.drop(DATABASE)


def growth(bench):
    for rows in (bench.rows // 4, bench.rows, bench.rows * 4):
        items = data.Items(rows)
        synced(bench, items.create(), items.load())
        digest = lambda: bench.pair.both(DATABASE, yardstick.key_digest(items))
        bench.measure("growth", f"{rows:,} rows, nothing changed", [
            Contender(TOOL, sync(bench, processed=0)),
            Contender("psql: digest of the keys, both at once", digest),
        ])

        def change(number):
            stamp = items.moment(number + 1, f"n / {rows // 2000}")
            bench.pair.source.run(
                DATABASE, f"update item set name = 'round {number}', updated_at = {stamp}"
                f" where n % {rows // 2000} = {number + 1}", "vacuum (analyze) item")
            bench.pair.target.run(DATABASE, "vacuum (analyze) item", "checkpoint")

        bench.measure("growth", f"{rows:,} rows, 2,000 updated", [
            Contender(TOOL, sync(bench, strategy="incremental")),
            Contender("psql: digest of the keys, both at once", digest),
        ], change)
        bench.pair.drop(DATABASE)


def watch(bench):
    """Runs that follow each other: what a cycle costs, though nothing has changed."""
    tables, cycles = 200, 20
    create, load = data.many(tables)
    synced(bench, [create], [load])

    def cycle():
        bench.tool.repeat(bench.pair.source.url(DATABASE), bench.pair.target.url(DATABASE), "1s", cycles)

    result = bench.measure("watch", f"{tables} unchanged tables, {cycles} runs with -every 1s", [Contender(TOOL, cycle)])
    own, servers = (statistics.median(figures) / cycles * 1000 for figures in
                    (result.tool().tool_cpu, result.tool().server_cpu))
    say(f"watch: {own:.1f} ms of own CPU and {servers:.1f} ms of the servers' CPU per cycle")
    bench.pair.drop(DATABASE)


def long_watch(bench):
    """Ten thousand runs without a pause: what they hold, and what they cost when the log has grown with them."""
    runs, early = 10_000, 100
    bench.pair.create(DATABASE)
    bench.pair.both(DATABASE, "create table item (id int primary key, updated_at timestamptz not null default now())",
                    "insert into item select i from generate_series(1, 10) i")
    sync(bench)()
    source, target = bench.pair.source.url(DATABASE), bench.pair.target.url(DATABASE)
    with Repeated(bench.tool.program, source, target) as program:
        program.until(early)
        before, first = program.held(), program.seconds(early)
        program.until(runs - early)
        last, after = program.seconds(early), program.held()
    say(f"long-watch: {before.memory} KiB and {before.files} files after {early} runs, {after.memory} KiB and "
        f"{after.files} files after {runs:,}; {early} runs took {first:.2f} s, the last ones {last:.2f} s")
    if after.memory > before.memory + 2048 or after.files > before.files:
        raise SystemExit("long-watch: something is held for ever")
    left = "select count(*) from pg_stat_activity where application_name = 'pgsync'"
    if bench.pair.both("postgres", left) != ["0\n", "0\n"]:
        raise SystemExit("long-watch: a connection is left")
    bench.pair.drop(DATABASE)


def verify(bench):
    """All rows compared: at once, a seventh of them in a run, and gently."""
    items = data.Items(bench.rows)
    synced(bench, items.create(), items.load())
    source, target = bench.pair.source.url(DATABASE), bench.pair.target.url(DATABASE)
    digest = Contender("psql: digests by pgsync's own expression",
                       lambda: bench.pair.both(DATABASE, yardstick.column_digest(items)))
    whole = bench.measure("verify", f"{bench.rows:,} equal rows", [
        Contender(TOOL, lambda: bench.tool.run(source, target, verb=["verify"])), digest])
    # Beside the same run without it; and the columns of proofs are there from the first round on.
    part = bench.measure("verify", f"{bench.rows:,} equal rows, a run with -scrub 1/7", [
        Contender(TOOL, sync(bench, "-scrub", "1/7", processed=0)),
        Contender("pgsync without -scrub", sync(bench, processed=0))])
    scrub = statistics.median(a - b for a, b in zip(part.contenders[0].seconds, part.contenders[1].seconds))
    say(f"verify: -scrub 1/7 adds {scrub:.3f} s, {scrub / whole.median(whole.tool()):.2f} of a whole comparison")
    before = bench.pair.source.cpu(), bench.pair.target.cpu()
    started = time.monotonic()
    bench.tool.run(source, target, "-throttle", "25%", verb=["verify"])
    seconds = time.monotonic() - started
    shares = [(side.cpu() - spent) / seconds for side, spent in zip((bench.pair.source, bench.pair.target), before)]
    say("verify: with -throttle 25% {:.1f} s, {:.0%} of a core on the source, {:.0%} on the target".format(seconds, *shares))
    bench.pair.drop(DATABASE)


ALL = {
    "first": first, "first-wide": first_wide, "many": many, "schema": schema, "noop": noop, "delta": delta,
    "compare": compare, "uuid": uuid, "wan": wan, "growth": growth, "watch": watch,
    "long-watch": long_watch, "verify": verify,
}
