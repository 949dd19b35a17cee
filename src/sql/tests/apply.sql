-- copy into target
copy "copy"."Item" ("updated_at", "id", "Price", "body", "owner")
    from stdin

-- create stage
drop table if exists pg_temp.pgsync_stage; create temporary table pgsync_stage
    on commit delete rows as select t."updated_at", t."id", t."Price", t."body", t."owner"
    from only "copy"."Item" t with no data

-- copy into stage
copy pg_temp.pgsync_stage from stdin

-- upsert
touched as (insert into "copy"."Item" as t ("updated_at", "id", "Price", "body", "owner") overriding
    system value select "updated_at", "id", "Price", "body", "owner" from pg_temp.pgsync_stage on
    conflict ("id") do update set ("updated_at", "Price", "body", "owner") =
    row(excluded."updated_at", excluded."Price", excluded."body", excluded."owner") where ((select
    pgsync_row from (select t."updated_at", t."Price", t."body", t."owner") pgsync_row)
    operator(pg_catalog.*<>) (select pgsync_row from (select excluded."updated_at",
    excluded."Price", excluded."body", excluded."owner") pgsync_row)) returning (t.xmax
    operator(pg_catalog.=) 0) as fresh, case when t.xmax operator(pg_catalog.=) 0 then
    null::pg_catalog.int8 end as key_hash), written as (select pg_catalog.count(*) filter (where
    fresh) as inserted, pg_catalog.count(*) filter (where not fresh) as updated,
    null::pg_catalog.numeric as keys from touched)

-- upsert by a tracked key
touched as (insert into "copy"."Item" as t ("updated_at", "id", "Price", "body", "owner") overriding
    system value select "updated_at", "id", "Price", "body", "owner" from pg_temp.pgsync_stage on
    conflict ("id") do update set ("updated_at", "Price", "body", "owner") =
    row(excluded."updated_at", excluded."Price", excluded."body", excluded."owner") where ((select
    pgsync_row from (select t."updated_at", t."Price", t."body", t."owner") pgsync_row)
    operator(pg_catalog.*<>) (select pgsync_row from (select excluded."updated_at",
    excluded."Price", excluded."body", excluded."owner") pgsync_row)) returning (t.xmax
    operator(pg_catalog.=) 0) as fresh, case when t.xmax operator(pg_catalog.=) 0 then
    (coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8, t."id"::pg_catalog.int8
    operator(pg_catalog.#) 1::pg_catalog.int8), 0)) end as key_hash), written as (select
    pg_catalog.count(*) filter (where fresh) as inserted, pg_catalog.count(*) filter (where not
    fresh) as updated, coalesce(pg_catalog.sum(key_hash), 0) as keys from touched)

-- upsert where all columns are key
touched as (insert into "copy"."Item" as t ("updated_at", "id", "Price", "body", "owner") overriding
    system value select "updated_at", "id", "Price", "body", "owner" from pg_temp.pgsync_stage on
    conflict ("id") do nothing returning (t.xmax operator(pg_catalog.=) 0) as fresh, case when
    t.xmax operator(pg_catalog.=) 0 then null::pg_catalog.int8 end as key_hash), written as (select
    pg_catalog.count(*) filter (where fresh) as inserted, pg_catalog.count(*) filter (where not
    fresh) as updated, null::pg_catalog.numeric as keys from touched)

-- upsert of a partitioned table
touched as (insert into "copy"."Item" as t ("updated_at", "id", "Price", "body", "owner") overriding
    system value select "updated_at", "id", "Price", "body", "owner" from pg_temp.pgsync_stage on
    conflict ("id") do update set ("updated_at", "Price", "body", "owner") =
    row(excluded."updated_at", excluded."Price", excluded."body", excluded."owner") where ((select
    pgsync_row from (select t."updated_at", t."Price", t."body", t."owner") pgsync_row)
    operator(pg_catalog.*<>) (select pgsync_row from (select excluded."updated_at",
    excluded."Price", excluded."body", excluded."owner") pgsync_row)) returning t."id",
    null::pg_catalog.int8 as "pgsync_hash"), known as (select w."pgsync_hash" as key_hash, exists
    (select from "copy"."Item" t where t."id" operator("pg_catalog".=) w."id") as known from touched
    w), written as (select pg_catalog.count(*) filter (where not known) as inserted,
    pg_catalog.count(*) filter (where known) as updated, null::pg_catalog.numeric as keys from
    (select known, case when not known then key_hash end as key_hash from known) w)

-- upsert by a deferrable key
changed as (update only "copy"."Item" t set "updated_at" = s."updated_at", "Price" = s."Price",
    "body" = s."body", "owner" = s."owner" from pg_temp.pgsync_stage s where t."id"
    operator("pg_catalog".=) s."id" and ((select pgsync_row from (select t."updated_at", t."id",
    t."Price", t."body", t."owner") pgsync_row) operator(pg_catalog.*<>) (select pgsync_row from
    (select s."updated_at", s."id", s."Price", s."body", s."owner") pgsync_row)) returning 1), added
    as (insert into "copy"."Item" as t ("updated_at", "id", "Price", "body", "owner") overriding
    system value select "updated_at", "id", "Price", "body", "owner" from pg_temp.pgsync_stage s
    where not exists (select from only "copy"."Item" t where t."id" operator("pg_catalog".=) s."id")
    returning null::pg_catalog.int8 as key_hash), written as (select pg_catalog.count(*) as
    inserted, (select pg_catalog.count(*) from changed) as updated, null::pg_catalog.numeric as keys
    from added)

-- replace
gone as (delete from only "copy"."Item" t using pg_temp.pgsync_stage s where t."id"
    operator("pg_catalog".=) s."id" and ((select pgsync_row from (select t."updated_at", t."id",
    t."Price", t."body", t."owner") pgsync_row) operator(pg_catalog.*<>) (select pgsync_row from
    (select s."updated_at", s."id", s."Price", s."body", s."owner") pgsync_row)) returning 1), n as
    (select pg_catalog.count(*) as gone from gone), added as (insert into "copy"."Item"
    ("updated_at", "id", "Price", "body", "owner") overriding system value select s."updated_at",
    s."id", s."Price", s."body", s."owner" from n cross join pg_temp.pgsync_stage s where n.gone
    operator(pg_catalog.>=) 0 and not exists (select from only "copy"."Item" t where t."id"
    operator("pg_catalog".=) s."id" and not ((select pgsync_row from (select t."updated_at", t."id",
    t."Price", t."body", t."owner") pgsync_row) operator(pg_catalog.*<>) (select pgsync_row from
    (select s."updated_at", s."id", s."Price", s."body", s."owner") pgsync_row))) returning 1),
    written as (select (select pg_catalog.count(*) from added) operator(pg_catalog.-) n.gone as
    inserted, n.gone as updated, null::pg_catalog.numeric as keys from n)

-- replace beside columns of the target
gone as (delete from only "copy"."Item" t using pg_temp.pgsync_stage s where t."id"
    operator("pg_catalog".=) s."id" and ((select pgsync_row from (select t."updated_at", t."id",
    t."Price", t."body", t."owner") pgsync_row) operator(pg_catalog.*<>) (select pgsync_row from
    (select s."updated_at", s."id", s."Price", s."body", s."owner") pgsync_row)) returning s.ctid as
    pgsync_at, t."note" as pgsync_0, t."s" as pgsync_1), n as (select pg_catalog.count(*) as gone
    from gone), back as (insert into "copy"."Item" ("updated_at", "id", "Price", "body", "owner",
    "note", "s") overriding system value select s."updated_at", s."id", s."Price", s."body",
    s."owner", g.pgsync_0, g.pgsync_1 from n cross join gone g join pg_temp.pgsync_stage s on s.ctid
    operator(pg_catalog.=) g.pgsync_at where n.gone operator(pg_catalog.>=) 0 returning 1), added as
    (insert into "copy"."Item" ("updated_at", "id", "Price", "body", "owner") overriding system
    value select s."updated_at", s."id", s."Price", s."body", s."owner" from n cross join
    pg_temp.pgsync_stage s where n.gone operator(pg_catalog.>=) 0 and not exists (select from only
    "copy"."Item" t where t."id" operator("pg_catalog".=) s."id") returning 1), written as (select
    (select pg_catalog.count(*) from added) as inserted, (select pg_catalog.count(*) from back) as
    updated, null::pg_catalog.numeric as keys)

-- count upsert
set local enable_hashjoin = off; select pg_catalog.count(*) filter (where t.ctid is null) as inserted, pg_catalog.count(*) filter
    (where t.ctid is not null and ((select pgsync_row from
                (select t."updated_at", t."id", t."Price", t."body", t."owner")
                pgsync_row) operator(pg_catalog.*<>) (select pgsync_row from (select s."updated_at", s."id",
                    s."Price", s."body", s."owner") pgsync_row))) as updated
    from pg_temp.pgsync_stage s left join only "copy"."Item" t
    on t."id" operator("pg_catalog".=) s."id"
