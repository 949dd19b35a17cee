"""The cases of rules: what a filter and masks cost beside the same table without them."""

import json
import os

from cases import DATABASE, OTHER, fill, sync, synced
from measure import TOOL, Contender

import data

CREATE = [
    "create table item (id bigint primary key, email text not null, name text, note text, price numeric(12,2),"
    " updated_at timestamptz not null)",
    "create index on item (updated_at)",
]
MASKS = {"email": "email", "name": "name.full", "note": {"hash": 24}}


def load(rows):
    return [
        "insert into item select i, 'user' || i || '@mail.test', 'name of ' || i, md5(i::text) || md5(i::text),"
        f" (i % 100000) / 100.0, {data.START} + i * interval '1 second' from generate_series(1::bigint, {rows}) i",
        "vacuum (analyze, freeze) item",
    ]


def filtered(bench):
    items = data.Items(bench.rows)
    fill(bench, items.create(), items.load())
    target = bench.pair.target
    last = bench.rows * 1000 // 990

    def empty():
        target.run(DATABASE, "truncate item", "drop table if exists sync_log", "checkpoint")

    rule = f"item.where=updated_at >= {data.START} + {last - last // 10} * interval '1 second'"
    bench.measure("filtered", f"first copy of a tenth of {bench.rows:,} rows, by an indexed column", [
        Contender(TOOL, sync(bench, "-set", rule, strategy="copy"), empty),
        Contender("pgsync, all rows", sync(bench, strategy="copy"), empty),
    ])
    bench.pair.drop(DATABASE)


def masked(bench):
    config = bench.pair.work / "masks.json"
    config.write_text(json.dumps({"maskKey": "env:MASK_KEY", "tables": {"item": {"mask": MASKS}}}))
    os.environ["MASK_KEY"] = "a key that is for benches only"
    rules = ["-config", str(config)]
    fill(bench, CREATE, load(bench.rows))
    source, target = bench.pair.source, bench.pair.target

    def empty():
        target.run(DATABASE, "truncate item", "drop table if exists sync_log", "checkpoint")

    bench.measure("masked", f"first copy of {bench.rows:,} rows, 3 masked text columns", [
        Contender(TOOL, sync(bench, *rules, strategy="copy"), empty),
        Contender("pgsync, unmasked", sync(bench, strategy="copy"), empty),
    ])
    bench.pair.drop(DATABASE)
    synced(bench, CREATE, load(bench.rows))
    target.create(OTHER, DATABASE)
    sync(bench, *rules)()

    # In the past: a watermark does not follow rows that come from the future, and the window would grow.
    start = f"{data.START} + {bench.rows} * interval '1 second'"

    def change(number):
        stamp = f"{start} + {number + 1} * interval '1 day' + id / 100 * interval '1 second'"
        source.run(DATABASE, f"update item set note = 'changed in round {number}', updated_at = {stamp}"
                   f" where id % 100 = {number + 1}", "vacuum (analyze) item")
        for database in (DATABASE, OTHER):
            target.run(database, "vacuum (analyze) item", "checkpoint")

    bench.measure("masked", f"{bench.rows:,} rows, 1 % updated, 3 masked text columns", [
        Contender(TOOL, sync(bench, *rules, strategy="incremental")),
        Contender("pgsync, unmasked", sync(bench, database=OTHER, strategy="incremental")),
    ], change)
    bench.pair.drop(OTHER, DATABASE)


ALL = {"filtered": filtered, "masked": masked}
