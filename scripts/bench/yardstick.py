"""What the servers themselves need: the same work by statements that psql issues."""

import subprocess

from servers import pipe

TEXT_DIGEST = "select count(*), sum(hashtextextended(t::text, 0)) from item t"


def key_hash(items):
    """The cheapest hash of a key that PostgreSQL has."""
    if items.keys == "id" and "bigint" in items.declared:
        return "hashint8extended(id, 1)"
    if items.keys == "id":
        return "uuid_hash_extended(id, 1)"
    return '(hashtextextended(kind collate "C", 1) # hashtextextended(id collate "C", 2))'


def key_digest(items):
    return f"select count(*), sum({key_hash(items)}) from item"


def column_digest(items):
    """As pgsync hashes a row: one hash per column."""
    number = "hashint8extended({0}::int8, {0}::int8 # 1::int8)"
    moment = 'hashtextextended(timestamptz_send({0})::text collate "C", 3)'
    kinds = {"id": number, "n": number, "created_at": moment, "updated_at": moment}
    text = 'hashtextextended({0}::text collate "C", 4)'
    names = [name.strip() for name in items.names.split(",")]
    hashes = (f"coalesce({kinds.get(name, text).format(name)}, 0)" for name in names)
    return f"select count(*), sum({' # '.join(hashes)}) from item"


class Delta:
    """An incremental run, statement by statement."""

    BUCKETS = 2**15

    def __init__(self, pair, items, source, target):
        self.pair, self.items = pair, items
        self.from_database, self.to_database = source, target
        self.bucket = "id / 64" if "bigint" in items.declared else f"{key_hash(items)} & {self.BUCKETS - 1}"

    def on_source(self, *statements):
        return self.pair.source.psql(self.from_database, *statements)

    def on_target(self, *statements):
        return self.pair.target.psql(self.to_database, *statements)

    def both(self, statement):
        running = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            for command in (self.on_source(statement), self.on_target(statement))
        ]
        return [process.communicate()[0] for process in running]

    def run(self):
        self.upsert()
        one, other = self.both(key_digest(self.items))
        if one != other:
            self.delete()

    def upsert(self):
        names, keys = self.items.names, self.items.keys
        others = [name.strip() for name in names.split(",") if name.strip() not in keys.split(", ")]
        since = self.pair.target.run(self.to_database, "select max(updated_at) from item")
        pipe(
            self.on_source(f"copy (select {names} from item where updated_at >= '{since}' order by updated_at) to stdout"),
            self.on_target(
                f"create temporary table stage as select {names} from item with no data",
                "copy stage from stdin",
                f"insert into item as old ({names}) select {names} from stage on conflict ({keys}) do update set "
                f"({', '.join(others)}) = row({', '.join('excluded.' + name for name in others)})",
            ),
        )

    def delete(self):
        digests = f"select {self.bucket}, count(*), sum({key_hash(self.items)}) from item group by 1 order by 1"
        here, there = (dict(line.split("|", 1) for line in answer.splitlines()) for answer in self.both(digests))
        differing = [bucket for bucket in here.keys() | there.keys() if here.get(bucket) != there.get(bucket)]
        keys = [key.strip() for key in self.items.keys.split(",")]
        buckets = f"unnest('{{{','.join(differing)}}}'::int8[]) b"
        inside = f"{self.bucket} = b"
        if "bigint" in self.items.declared:
            inside = "t.id >= b * 64 and t.id < b * 64 + 64"
        same = " and ".join(f"s.{key} = t.{key}" for key in keys)
        pipe(
            self.on_source(f"copy (select {self.items.keys} from {buckets} join item t on {inside}) to stdout"),
            self.on_target(
                f"create temporary table stage as select {self.items.keys} from item with no data",
                "copy stage from stdin",
                "analyze stage",
                f"delete from item t using {buckets} where {inside} and not exists (select from stage s where {same})",
            ),
        )


def many_rows(pair, database, tables):
    """Each table's rows as COPY text."""
    return [pair.source.run(database, "copy t0 to stdout")] * tables


def script(command, text):
    subprocess.run(command, input=text, check=True, text=True, stdout=subprocess.DEVNULL)


def copy_many(pair, database, rows):
    out = "".join(f"copy t{n} to stdout;\n" for n in range(len(rows)))
    into = "".join(f"copy t{n} from stdin;\n{text}\n\\.\n" for n, text in enumerate(rows))
    script(pair.source.psql(database), out)
    script(pair.target.psql(database), into)


def digest_many(pair, database, tables):
    digests = [f"select count(*), sum(hashint8extended(id, 1)) from t{n}" for n in range(tables)]
    windows = [f"select count(*), sum(hashtextextended(t::text, 1)) from t{n} t where updated_at >= '2024-01-01 00:09'"
               for n in range(tables)]
    text = ";\n".join(digests + windows) + ";\n"
    running = [
        subprocess.Popen(side.psql(database), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        for side in (pair.source, pair.target)
    ]
    for process in running:
        process.stdin.write(text)
        process.stdin.close()
    if any([process.wait() for process in running]):
        raise SystemExit("a digest failed")


def refuse_difference(pair, source, target):
    text = "select count(*), sum(hashtextextended((t.*)::text, 0)) from item t"
    if pair.source.run(source, text) != pair.target.run(target, text):
        raise SystemExit(f"{target} differs from its source: what was measured is worthless")
