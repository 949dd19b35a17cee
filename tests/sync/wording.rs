//! Definitions as servers of different versions word them: what is the same is never a difference, and what
//! changes on the source is never missed.

use crate::support::{Outcome, Pair};

/// Expressions of the kinds that servers print in words of their own.
const HOSTILE: &str = "
    create type mood as enum ('sad', 'ok', 'it''s'); create domain label as varchar(12) check (value <> ''); create domain codes as text[];
    create function twice(n int) returns int language sql immutable as 'select n * 2';
    create table item (
        id int primary key, n int default 1 + 2, s varchar(20) default 'new', c char(5) default 'x', t text default E'a\\\\b', a int[] default '{1,2}',
        v varchar[] default array['a', 'b'], m mood default 'it''s', l label default 'l', cs codes default array['x'], d date default '2020-01-01', ts timestamptz default now(),
        tl timestamp default (now() at time zone 'UTC'), i interval default '1 day 02:00', num numeric(8, 2) default -1, f float8 default 0.1, b bool default true, j jsonb default '{\"a\": 1}',
        by bytea default '\\x00', bt bit(3) default B'101', tm time default '12:00', u int default twice(3), cur text default current_user, cd date default current_date, lo text default upper('x' || 'y'),
        big int8 default -9223372036854775807, nul text default null, x xml, r int4range default '[1,3)',
        constraint c1 check (s in ('new', 'old')), constraint c2 check (n between 1 and 100), constraint c3 check ((n, id) > (0, -5)), constraint c4 check (s ~ '^[a-z]+$' or s is null),
        constraint c5 check (a[1] > 0 and a @> array[1]), constraint c6 check (m <> 'sad'), constraint c7 check (l like 'l%'), constraint c8 check (case when n > 1 then true else s = 'x' end),
        constraint c9 check (coalesce(s, 'q') <> 'z'), constraint d1 check (ts < '9999-01-01'), constraint d2 check ((ts at time zone 'UTC') > '2000-01-01'),
        constraint d3 check (i < interval '3 years 2 mons 1 day'), constraint d4 check (extract(year from d) > 1990), constraint d5 check (n::numeric / 3 < 1e10), constraint d6 check (s::text || c <> ''),
        constraint d7 check (num is distinct from 5), constraint d8 check (not (b and n < 0)), constraint d9 check (n = any (a) or n > -5), constraint e1 check (n <> all (array[200, 300])),
        constraint e2 check (position('z' in s) = 0), constraint e3 check (substring(s from 1 for 2) <> 'zz'), constraint e4 check (trim(both ' ' from s) <> '-'), constraint e5 check (overlay(t placing 'x' from 1) <> ''),
        constraint e6 check (s collate \"C\" < 'zz'), constraint e7 check (row(n, s) is not null), constraint e8 check (greatest(n, 1) > 0 and least(n, 1) < 5), constraint e9 check (nullif(n, 0) is not null),
        constraint f1 check ((n + id) * 2 - n > -1000 and n - (id - 1) < 9000 and -n < 5), constraint f3 check (s not like 'q\\_%' escape '\\'),
        constraint f4 check (j ->> 'a' = '1' and j ? 'a'), constraint f5 check (tm < '23:00' and tl > '1999-01-08 04:05:06'), constraint f6 check (array_length(v, 1) > 0 and v[1:2] is not null), constraint f7 check (d + 1 > d and d - interval '1 day' < d),
        constraint f8 check (n::text::varchar(3) <> 'abc'), constraint f9 check (r @> 1 and not isempty(r)), constraint g1 check (bt = B'101' and by <> '\\xff'), constraint g2 check (f > '-Infinity' and num <> 'NaN'),
        constraint g3 check ((n > 0) is true and (b is not false)), constraint g4 check (s = any ('{new,old,x}')), constraint g5 check (x is document), constraint g6 check (c = 'x' or c::text = 'y'),
        constraint g7 check (date_trunc('day', tl) <= tl and (d, d) overlaps (d, d + 1)), constraint g8 check (d > make_date(1990, 1, 1) and to_char(n, 'FM99') <> 'q') not valid, constraint g9 check (twice(n) > 0),
        constraint h1 check (s > 'a' and s >= 'b' or s <> 'c' and s <> 'd'), constraint h2 check (((n)) > ((0))), constraint h3 check (f ^ 2 >= 0 and |/ 4 = 2 and @ n >= 0 and n % 7 < 7 and n & 1 < 2),
        constraint h4 check (cs[1] = 'x' and ts::date > '1999-01-01' and cast(n as bigint) < 5000000000), constraint h5 check (s in ('new') and n in (1, 2, 3, 4) and num in (1, 2.5, -1)), constraint h6 check (extract(epoch from ts) > 0),
        constraint h7 check (l in ('l', 'll')), constraint h8 check (xmlparse(content '<a/>') is not null), constraint h9 check (n > (case s when 'new' then 0 when 'old' then 1 else 2 end)),
        constraint ex1 exclude using btree ((s || 'x') with =) where (n > 50 and s in ('new', 'x')));
    create index i1 on item (lower(s)); create index i2 on item ((n + 1), (s || 'x') text_pattern_ops) where n > 0 and s in ('new', 'old'); create index i3 on item (s collate \"C\" desc nulls last);
    create index i4 on item using gin (j jsonb_path_ops); create index i5 on item (((ts at time zone 'UTC')::date)); create index i6 on item (m) where m in ('ok', 'it''s'); create index i7 on item (id) where d >= '2020-01-01' and b;
    create index i8 on item ((a[1])) where a is not null; create unique index i9 on item (coalesce(n, 0), id) where l = 'l'; create index k1 on item (extract(year from tl)); create index k2 on item using hash (s);
    create index k3 on item (substring(s from 1 for 3), (n::text)); create index k4 on item (date_part('month', d)); create index k5 on item ((j ->> 'a'), ((j -> 'b') ->> 'c')); create index k6 on item (to_tsvector('english', t)) where t is not null;
    create index k7 on item using gist (r) with (fillfactor = 70); create index k8 on item using brin (ts) with (pages_per_range = 8); create index k9 on item ((case when b then n else 0 end)) where not b;
    insert into item (id, n, tl) values (1, 3, '2020-01-01')";

/// Of servers that have them.
const LATER: &[(u32, &str)] = &[
    (12, "alter table item add gs text generated always as (s || coalesce(t, '') || 'q') stored, add gn numeric generated always as (n * 1.5 - id) stored, add gc bool generated always as (s in ('new', 'old') and m <> 'sad') stored,
        add gt date generated always as ((tl + interval '1 day')::date) stored, add gl int generated always as (length(s) + coalesce(a[1], 0)) stored, add gj text generated always as (j ->> 'a') stored"),
    // Others call functions that older servers do not have.
    (14, "alter table item add constraint f2 check (s similar to '%[a-z]%')"),
    (10, "create statistics st (dependencies, ndistinct) on n, s from item"),
    (12, "create statistics sm (mcv) on n, s from item"),
    (14, "create statistics se on (n + 1), lower(s), (s in ('new', 'x')) from item"),
    (11, "create index z1 on item (id) include (n, s); create table parts (k text, n int) partition by range (lower(k), n)"),
    (10, "create table ranges (at date not null, k int) partition by range (at); create table ranges_1 partition of ranges for values from ('2020-01-01') to ('2021-01-01'); create table ranges_min partition of ranges for values from (minvalue) to ('2020-01-01')"),
    (10, "create table lists (k text, n int) partition by list (lower(k)); create table lists_1 partition of lists for values in ('a', 'b', null)"),
    (11, "create table lists_d partition of lists default; create table hashes (k int) partition by hash (k); create table hashes_0 partition of hashes for values with (modulus 2, remainder 0); create table hashes_1 partition of hashes for values with (modulus 2, remainder 1)"),
    (15, "create unique index nd on item (s, id) nulls not distinct; alter table item add constraint nf foreign key (n) references item on delete set null (n) not valid"),
    (16, "alter table item add h text default 'z' collate \"C\""),
    (18, "alter table item add gv int generated always as (n + 1) virtual; alter table item add constraint nn not null s not valid"),
    (18, "create table per (id int, during daterange, extra int, constraint per_pk primary key (id, extra))"),
];

async fn hostile() -> Pair {
    let db = Pair::fresh().await;
    db.source(HOSTILE).await;
    for (version, statements) in LATER {
        if db.has(*version, "some definitions").await {
            db.source(statements).await;
        }
    }
    db
}

/// What people are told of definitions.
fn notes(run: &Outcome) -> Vec<String> {
    run.notes().into_iter().filter(|note| !note.contains("compared by md5")).collect()
}

async fn is_quiet(db: &Pair) {
    for mode in ["additive", "none", "reset", "reset", "additive"] {
        let run = db.sync().args(&["-ddl", mode]).await.expect_unchanged();
        assert_eq!(notes(&run), Vec::<String>::new(), "{mode}");
    }
}

#[tokio::test]
async fn definitions_that_servers_word_otherwise_are_no_difference() {
    let db = hostile().await;
    db.sync().await.expect_ok();
    is_quiet(&db).await;
}

/// Little changes, each with what names it.
const CHANGES: &[(&str, &str)] = &[
    ("alter table item alter n set default 2 + 1", "default of column public.item.n"),
    ("alter table item alter a set default '{2,1}'", "default of column public.item.a"),
    ("alter table item alter i set default '1 day 02:01'", "default of column public.item.i"),
    ("alter table item alter m set default 'ok'", "default of column public.item.m"),
    ("alter table item alter ts set default clock_timestamp()", "default of column public.item.ts"),
    ("alter table item alter u set default twice(4)", "default of column public.item.u"),
    (
        "alter table item drop constraint c1, add constraint c1 check (s in ('new', 'Old'))",
        "c1 of public.item",
    ),
    (
        "alter table item drop constraint c3, add constraint c3 check ((id, n) > (0, -5))",
        "c3 of public.item",
    ),
    (
        "alter table item drop constraint c6, add constraint c6 check (m <> 'it''s' or m = 'it''s')",
        "c6 of public.item",
    ),
    (
        "alter table item drop constraint c9, add constraint c9 check (coalesce(s, 'z') <> 'q')",
        "c9 of public.item",
    ),
    (
        "alter table item drop constraint d2, add constraint d2 check ((ts at time zone 'CET') > '2000-01-01')",
        "d2 of public.item",
    ),
    (
        "alter table item drop constraint d3, add constraint d3 check (i < interval '3 years 1 mons 2 day')",
        "d3 of public.item",
    ),
    (
        "alter table item drop constraint d5, add constraint d5 check (n / 3 < 1e10)",
        "d5 of public.item",
    ),
    (
        "alter table item drop constraint d9, add constraint d9 check (n = any (a) or n >= -5)",
        "d9 of public.item",
    ),
    (
        "alter table item drop constraint e6, add constraint e6 check (s < 'zz')",
        "e6 of public.item",
    ),
    (
        "alter table item drop constraint f1, add constraint f1 check ((n + id) * 2 - n > -1000 and n - id - 1 < 9000 and -n < 5)",
        "f1 of public.item",
    ),
    (
        "alter table item drop constraint f5, add constraint f5 check (tm < '23:00' and tl > '1999-08-01 04:05:06')",
        "f5 of public.item",
    ),
    (
        "alter table item drop constraint f8, add constraint f8 check (n::text::varchar(4) <> 'abc')",
        "f8 of public.item",
    ),
    (
        "alter table item drop constraint h5, add constraint h5 check (s in ('new') and n in (1, 2, 4, 3) and num in (1, 2.5, -1))",
        "h5 of public.item",
    ),
    (
        "alter table item drop constraint h7, add constraint h7 check (l in ('l', 'll ')) not valid",
        "h7 of public.item",
    ),
    (
        "alter table item drop constraint ex1, add constraint ex1 exclude using btree ((s || 'x') with =) where (n > 50 and s in ('x', 'new'))",
        "ex1 of public.item",
    ),
    ("drop index i1; create index i1 on item (upper(s))", "index public.i1"),
    (
        "drop index i2; create index i2 on item ((n + 1), (s || 'x')) where n > 0 and s in ('new', 'old')",
        "index public.i2",
    ),
    ("drop index i3; create index i3 on item (s desc nulls last)", "index public.i3"),
    ("drop index i5; create index i5 on item (((ts at time zone 'CET')::date))", "index public.i5"),
    ("drop index i6; create index i6 on item (m) where m in ('ok', 'sad')", "index public.i6"),
    (
        "drop index i7; create index i7 on item (id) where d >= '2020-01-02' and b",
        "index public.i7",
    ),
    ("drop index i8; create index i8 on item ((a[2])) where a is not null", "index public.i8"),
    (
        "drop index k5; create index k5 on item ((j ->> 'a'), ((j -> 'c') ->> 'b'))",
        "index public.k5",
    ),
    (
        "drop index k6; create index k6 on item (to_tsvector('german', t)) where t is not null",
        "index public.k6",
    ),
    (
        "drop index k7; create index k7 on item using gist (r) with (fillfactor = 71)",
        "index public.k7",
    ),
    (
        "drop statistics st; create statistics st (dependencies) on n, s from item",
        "statistics object public.st",
    ),
];

#[tokio::test]
async fn changes_of_definitions_are_followed_or_named_between_any_versions() {
    let db = hostile().await;
    db.settle().await;
    for (change, _) in CHANGES {
        db.source(change).await;
    }
    for mode in ["none", "none"] {
        let run = db.sync().args(&["-ddl", mode]).await.expect_unchanged();
        let said = notes(&run);
        let missed =
            CHANGES.iter().filter(|(_, what)| !said.iter().any(|note| note.contains(what)));
        let missed: Vec<_> = missed.collect();
        assert!(missed.is_empty(), "{mode}: nothing is said of {missed:#?} in {said:#?}");
        assert_eq!(said.len(), CHANGES.len(), "{said:#?}");
    }
    db.sync().await.expect_unchanged().expect_note("changed on the target: 6 defaults");
    db.sync().args(&["-ddl", "reset"]).await.expect_ok();
    is_quiet(&db).await;
}

#[tokio::test]
async fn a_change_of_one_definition_alone_is_not_missed() {
    let db = hostile().await;
    db.settle().await;
    db.sync().await.expect_unchanged();
    let changes = [
        (
            "alter table item drop constraint c6, add constraint c6 check (m <> 'ok')",
            "c6 of public.item",
        ),
        ("drop index i6; create index i6 on item (m) where m in ('ok', 'sad')", "index public.i6"),
        (
            "create or replace function twice(n int) returns int language sql immutable as 'select n + n'",
            "twice(integer) is defined differently",
        ),
    ];
    for (change, what) in changes {
        db.source(change).await;
        let run = db.sync().args(&["-ddl", "none"]).await.expect_unchanged().expect_note(what);
        assert_eq!(notes(&run).len(), 1);
        db.target(change).await;
        db.sync().await.expect_unchanged().expect_unsaid(what);
    }
}

#[tokio::test]
async fn what_was_equal_once_is_not_read_again() {
    let db = hostile().await;
    db.settle().await;
    let remembered = "select count(distinct split_part(definitions, ' ', 1)) from sync_log where sync_type = 'create'";
    assert_eq!(db.target_value(remembered).await, "1");
    // A log of an older version gets the column; what nobody may add is done without.
    db.target("alter table sync_log drop column definitions").await;
    is_quiet(&db).await;
    assert_eq!(db.target_value(remembered).await, "1");
}

#[tokio::test]
async fn what_one_selection_found_equal_says_nothing_of_other_tables() {
    let db = Pair::with("create table wide (id int primary key, v varchar(10))").await;
    db.source(
        "create function f(a int) returns int immutable language sql as 'select a * 2';
         create table item (id int primary key, a int check (f(a) > 0)); alter table wide alter v type varchar(20)",
    )
    .await;
    db.sync().args(&["-include", "item"]).await.expect_ok();
    db.sync().args(&["-include", "item"]).await.expect_unchanged();
    db.source("insert into wide values (1, 'longer than ten')").await;
    db.sync().await.expect_ok();
    db.assert_same("wide").await;
}

#[tokio::test]
async fn a_memory_that_cannot_be_written_ends_no_run() {
    let db = hostile().await;
    db.settle().await;
    db.target(
        "alter table sync_log drop column definitions; alter table sync_log add definitions int",
    )
    .await;
    db.sync().await.expect_unchanged();
}

/// Each is one word of a definition that a short look has to see.
#[tokio::test]
async fn a_word_that_a_short_look_has_to_see_is_not_missed() {
    let db = Pair::fresh().await;
    db.source(
        "create function f(a int) returns int immutable language sql as 'select a + 1';
         create function g(a int) returns int immutable language sql as 'select a * 2';
         create schema lib; create table lib.parent (id int primary key); create table parent (id int primary key);
         create table item (id int primary key, a int, b int, r int4range, constraint item_check check (f(g(a)) > 0), constraint no_two exclude using gist (r with &&));
         create index by_a on item (a); create index by_fg on item ((f(a) + 2 * g(b)));
         alter table item add constraint up foreign key (b) references parent;
         comment on column item.a is 'words'",
    )
    .await;
    let sync = || db.sync().args(&["-schema", "public,lib"]);
    sync().await.expect_ok();
    sync().await.expect_unchanged();
    sync().await.expect_unchanged().expect_unsaid("differ");
    let changes = [
        "alter table item drop constraint item_check, add constraint item_check check (g(f(a)) > 0)",
        "drop index by_fg; create index by_fg on item ((2 * f(a) + g(b)))",
        "alter table item drop constraint up; alter table item add constraint up foreign key (b) references lib.parent",
        "alter table item drop constraint no_two, add constraint no_two exclude using gist (r with -|-)",
        "create or replace function f(a int) returns int immutable strict language sql as 'select a + 1'",
        "drop index by_a; create index by_a on item (b)",
        "comment on column item.a is 'other words'",
        "alter table item alter b set statistics 7",
        "alter table item set (fillfactor = 70)",
        "alter table item alter b set default 8",
        "create statistics both_of (dependencies) on a, b from item",
        "alter index by_a rename to by_b",
        "alter table item replica identity full",
    ];
    for (number, change) in changes.into_iter().enumerate() {
        // Whichever side it is that changes alone.
        let on_source = number % 3 > 0;
        if on_source {
            db.source(change).await
        } else {
            db.target(change).await
        }
        let run = sync().args(&["-ddl", "none"]).await.expect_unchanged();
        assert!(!notes(&run).is_empty(), "{change}: {run}");
        if on_source {
            db.target(change).await
        } else {
            db.source(change).await
        }
        for _ in 0..2 {
            let run = sync().await.expect_unchanged();
            assert!(notes(&run).is_empty(), "{change}, on both: {run}");
        }
    }
}
