"""The tables that are copied, and the changes that are made to them."""

# How a row's number becomes its key.
KEYS = {
    "bigint": ("id bigint primary key", "{i}", "id"),
    "uuid": ("id uuid primary key", "md5({i}::text)::uuid", "id"),
    "text": ("kind text, id text, primary key (kind, id)", "'k' || {i} % 10, 'id ' || {i}", "kind, id"),
}

COLUMNS = "name text, price numeric(12,2), doc jsonb, created_at timestamptz not null"
START = "'2024-01-01'::timestamptz"


class Items:
    """A table `item` of about 135 bytes a row. Numbers that end in 990 to 999 are left out at first."""

    def __init__(self, rows, key="bigint", timestamp=True):
        self.rows = rows
        self.declared, self.key_of, self.keys = KEYS[key]
        self.timestamp = timestamp
        # `n` is the row's number, by which changes are spread evenly.
        self.names = f"{self.keys}, n, name, price, doc, created_at" + (", updated_at" if timestamp else "")

    def create(self):
        keys, tail = self.declared, f", n bigint not null, {COLUMNS}"
        stamp = ", updated_at timestamptz not null" if self.timestamp else ""
        first, comma, primary = keys.partition(", primary")
        index = ["create index on item (updated_at)"] if self.timestamp else []
        return [f"create table item ({first}{tail}{stamp}{comma}{primary})", *index]

    def values(self, numbers, round_number=0):
        stamp = ""
        if self.timestamp:
            moment = f"{START} + i * interval '1 second'"
            if round_number:
                moment = self.moment(round_number, "i / 1000")
            stamp = f", {moment}"
        return (
            f"insert into item select {self.key_of.format(i='i')}, i, 'item number ' || i, (i % 100000) / 100.0,"
            f" jsonb_build_object('n', i, 'tag', 'tag ' || i % 50), {START}{stamp} from ({numbers}) r(i)"
        )

    def load(self):
        last = self.rows * 1000 // 990
        return [
            self.values(f"select i from generate_series(0::bigint, {last}) i where i % 1000 < 990"),
            "vacuum (analyze, freeze) item",
        ]

    def change(self, round_number, updated=100, deleted=1000):
        """1 % updated, 0.1 % deleted, 0.1 % inserted. A round's timestamps are a day of their own."""
        r, last = round_number, self.rows * 1000 // 990
        stamp = f", updated_at = {self.moment(r, f'n / {updated}')}" if self.timestamp else ""
        return [
            f"update item set name = 'changed in round {r}'{stamp} where n % {updated} = {r}",
            f"delete from item where n % {deleted} = {500 + r}",
            self.values(f"select i from generate_series({989 + r}::bigint, {last}, 1000) i", r),
            "vacuum (analyze) item",
        ]

    def moment(self, round_number, seconds):
        return f"'2025-06-01'::timestamptz + {round_number} * interval '1 day' + ({seconds}) * interval '1 second'"


def wide(rows):
    """100 columns of several types."""
    kinds = ["int", "bigint", "text", "numeric", "timestamptz", "boolean", "double precision"]
    values = ["i", "i * 1000", "'value ' || i", "i / 100.0", f"{START} + i * interval '1 minute'", "i % 2 = 0",
              "i / 7.0"]
    columns = [f"c{n} {kinds[n % len(kinds)]}" for n in range(98)]
    filled = [values[n % len(values)] for n in range(98)]
    return (
        [f"create table item (id bigint primary key, {', '.join(columns)}, updated_at timestamptz not null)",
         "create index on item (updated_at)"],
        [f"insert into item select i, {', '.join(filled)}, {START} + i * interval '1 second'"
         f" from generate_series(1, {rows}) i", "vacuum (analyze, freeze) item"],
    )


def long(rows):
    """20 kB of text that compresses badly."""
    text = "(select string_agg(md5(i::text || n), '') from generate_series(1, 625) n)"
    return (
        ["create table item (id bigint primary key, body text, updated_at timestamptz not null)",
         "create index on item (updated_at)"],
        [f"insert into item select i, {text}, {START} + i * interval '1 second' from generate_series(1, {rows}) i",
         "vacuum (analyze, freeze) item"],
    )


def many(tables):
    """Tables of ten rows; for psql, as one block a side."""
    create = "".join(
        f"create table t{n} (id int primary key, name text, updated_at timestamptz not null);"
        f"create index on t{n} (updated_at);"
        for n in range(tables)
    )
    fill = "".join(
        f"insert into t{n} select i, 'row ' || i, {START} + i * interval '1 minute' from generate_series(1, 10) i;"
        for n in range(tables)
    )
    return create, fill
