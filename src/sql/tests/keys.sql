-- create key stage
drop table if exists pg_temp.pgsync_keys; create temporary table pgsync_keys as select t."id",
    0::pg_catalog.int8 as "pgsync_hash" from only "copy"."Item" t with no data

-- copy into key stage
copy pg_temp.pgsync_keys from stdin

-- copy keys
copy (select t."id", (coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
                    t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8),
                0) operator(pg_catalog.#) coalesce(pg_catalog.uuid_hash_extended(t."owner", 2),
                0)) from rows from (pg_catalog.unnest('{0,256}'::pg_catalog.int8[]),
            pg_catalog.unnest('{63,447}'::pg_catalog.int8[])) b(low, high)
        join only "public"."item" t on t."id" operator(pg_catalog.>=) b.low
        and t."id" operator(pg_catalog.<=) b.high) to stdout

-- copy single keys
copy (select t."id", (coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
            t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8), 0) operator(pg_catalog.#)
        coalesce(pg_catalog.uuid_hash_extended(t."owner", 2), 0))
    from rows from (pg_catalog.unnest('{1,2,5}'::pg_catalog.int8[]),
        pg_catalog.unnest('{null,null,-3}'::pg_catalog.int8[])) b(bucket, hash)
    join only "public"."item" t on ((coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
                t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8), 0)) operator(pg_catalog.&) 7::pg_catalog.int8) operator(pg_catalog.=) b.bucket
        and (b.hash is null or (coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
            t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8), 0) operator(pg_catalog.#)
        coalesce(pg_catalog.uuid_hash_extended(t."owner", 2), 0)) operator(pg_catalog.=) b.hash)) to stdout

-- create here by ranges
drop table if exists pg_temp.pgsync_here; create temporary table pgsync_here as select t."id",
    (coalesce(pg_catalog.hashtextextended(pg_catalog."timestamptz_send"(t."updated_at")::pg_catalog.text
    collate pg_catalog."C", 1), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8, t."id"::pg_catalog.int8
    operator(pg_catalog.#) 2::pg_catalog.int8), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog."numeric_out"(t."Price"))::pg_catalog.text
    collate pg_catalog."C", 3), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashtextextended(row(t."body")::pg_catalog.text collate pg_catalog."C", 4),
    0) operator(pg_catalog.#) coalesce(pg_catalog.uuid_hash_extended(t."owner", 5), 0)) as
    "pgsync_hash", (t."id"::pg_catalog.int8 operator(pg_catalog.>>) 6) as "pgsync_bucket" from rows
    from (pg_catalog.unnest('{0,256}'::pg_catalog.int8[]),
    pg_catalog.unnest('{63,447}'::pg_catalog.int8[])) b(low, high) join only "copy"."Item" t on
    t."id" operator(pg_catalog.>=) b.low and t."id" operator(pg_catalog.<=) b.high; analyze
    pg_temp.pgsync_here

-- create here by hashes
drop table if exists pg_temp.pgsync_here; create temporary table pgsync_here as select t."id",
    (coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8, t."id"::pg_catalog.int8
    operator(pg_catalog.#) 1::pg_catalog.int8), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.uuid_hash_extended(t."owner", 2), 0)) as "pgsync_hash",
    ((coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8, t."id"::pg_catalog.int8
    operator(pg_catalog.#) 1::pg_catalog.int8), 0)) operator(pg_catalog.&) 7::pg_catalog.int8) as
    "pgsync_bucket" from rows from (pg_catalog.unnest('{1,2,5}'::pg_catalog.int8[]),
    pg_catalog.unnest('{null,null,-3}'::pg_catalog.int8[])) b(bucket, hash) join only "copy"."Item"
    t on ((coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8, t."id"::pg_catalog.int8
    operator(pg_catalog.#) 1::pg_catalog.int8), 0)) operator(pg_catalog.&) 7::pg_catalog.int8)
    operator(pg_catalog.=) b.bucket and (b.hash is null or
    (coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8, t."id"::pg_catalog.int8
    operator(pg_catalog.#) 1::pg_catalog.int8), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.uuid_hash_extended(t."owner", 2), 0)) operator(pg_catalog.=) b.hash);
    analyze pg_temp.pgsync_here

-- count unfound
select pg_catalog.count(*) from pg_catalog.unnest('{-3}'::pg_catalog.int8[]) u(hash) where not
    exists (select from pg_temp.pgsync_here t where t."pgsync_hash" operator(pg_catalog.=) u.hash)
    and not exists (select from pg_temp.pgsync_keys s where s."pgsync_hash" operator(pg_catalog.=)
    u.hash)

-- want
drop table if exists pg_temp.pgsync_wanted; create temporary table pgsync_wanted as select
    pg_catalog.row_number() over () as "pgsync_n", s."id" from pg_temp.pgsync_keys s left join
    pg_temp.pgsync_here t on t."id" operator("pg_catalog".=) s."id" where t."pgsync_hash" is null or
    t."pgsync_hash" operator(pg_catalog.<>) s."pgsync_hash"; create index on pg_temp.pgsync_wanted
    ("pgsync_n"); select pg_catalog.count(*) from pg_temp.pgsync_wanted

-- want by a key named as ours
drop table if exists pg_temp.pgsync_wanted; create temporary table pgsync_wanted as select
    pg_catalog.row_number() over () as "pgsync_n", s."pgsync_hash" from pg_temp.pgsync_keys s left
    join pg_temp.pgsync_here t on t."pgsync_hash" operator("pg_catalog".=) s."pgsync_hash" where
    t."pgsync_hash_" is null or t."pgsync_hash_" operator(pg_catalog.<>) s."pgsync_hash_"; create
    index on pg_temp.pgsync_wanted ("pgsync_n"); select pg_catalog.count(*) from
    pg_temp.pgsync_wanted

-- numbered keys
select w."pgsync_n", pg_catalog.concat(w."id") from pg_temp.pgsync_wanted w where w."pgsync_n"
    operator(pg_catalog.>=) 1 and w."pgsync_n" operator(pg_catalog.<) 2001 order by w."pgsync_n"

-- copy wanted
copy (select t."updated_at", t."id", (t."Price"::pg_catalog.numeric(8,2)), t."body", t."owner" from
    (values (1, '7'::"pg_catalog"."int4"), (2, '8')) k("pgsync_n", "id") join only "public"."item" t
    on t."id" operator("pg_catalog".=) k."id") to stdout

-- copy wanted unless in the window
copy (select t."updated_at", t."id", (t."Price"::pg_catalog.numeric(8,2)), t."body", t."owner" from
    (values (1, '7'::"pg_catalog"."int4"), (2, '8')) k("pgsync_n", "id") join only "public"."item" t
    on t."id" operator("pg_catalog".=) k."id" where not coalesce(t."updated_at"
    operator(pg_catalog.>=) pg_catalog.timezone('UTC', '2024-12-13
    15:25:30.5'::pg_catalog.timestamp) and t."updated_at" operator(pg_catalog.<) 'infinity', false))
    to stdout

-- digest of keys that were wanted
select pg_catalog.count(*),
    pg_catalog.sum((coalesce(pg_catalog.hashtextextended(pg_catalog."timestamptz_send"(t."updated_at")::pg_catalog.text
    collate pg_catalog."C", 1), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8, t."id"::pg_catalog.int8
    operator(pg_catalog.#) 2::pg_catalog.int8), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog."numeric_out"((t."Price"::pg_catalog.numeric(8,2))))::pg_catalog.text
    collate pg_catalog."C", 3), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashtextextended(row(t."body")::pg_catalog.text collate pg_catalog."C", 4),
    0) operator(pg_catalog.#) coalesce(pg_catalog.uuid_hash_extended(t."owner", 5), 0))) from
    (values (1, '7'::"pg_catalog"."int4"), (2, '8')) k("pgsync_n", "id") join only "public"."item" t
    on t."id" operator("pg_catalog".=) k."id"

-- digest of wanted rows
select pg_catalog.count(*),
    pg_catalog.sum((coalesce(pg_catalog.hashtextextended(pg_catalog."timestamptz_send"(t."updated_at")::pg_catalog.text
    collate pg_catalog."C", 1), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8, t."id"::pg_catalog.int8
    operator(pg_catalog.#) 2::pg_catalog.int8), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog."numeric_out"(t."Price"))::pg_catalog.text
    collate pg_catalog."C", 3), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashtextextended(row(t."body")::pg_catalog.text collate pg_catalog."C", 4),
    0) operator(pg_catalog.#) coalesce(pg_catalog.uuid_hash_extended(t."owner", 5), 0))) from
    pg_temp.pgsync_wanted w join only "copy"."Item" t on t."id" operator("pg_catalog".=) w."id"

-- list vanished
drop table if exists pg_temp.pgsync_vanished; create temporary table pgsync_vanished as select
    pg_catalog.row_number() over () as "pgsync_n", t."id", t."pgsync_bucket" from
    pg_temp.pgsync_here t where not exists (select from pg_temp.pgsync_keys s where t."id"
    operator("pg_catalog".=) s."id"); create index on pg_temp.pgsync_vanished ("pgsync_n"); select
    pg_catalog.count(*) from pg_temp.pgsync_vanished

-- find keys
select k."pgsync_n" from (values (1, '7'::"pg_catalog"."int4"), (2, '8')) k("pgsync_n", "id") where
    exists (select from only "public"."item" t where t."id" operator("pg_catalog".=) k."id")

-- find widened keys
select k."pgsync_n" from (values (1, '7'::pg_catalog.int8), (2, '8')) k("pgsync_n", "id") where
    exists (select from only "public"."item" t where t."id" operator(pg_catalog.=) k."id")

-- unlist vanished
delete from pg_temp.pgsync_vanished v where v."pgsync_n" operator(pg_catalog.=) any
    ('{1,2}'::pg_catalog.int8[])

-- column hashes
select
    (coalesce(pg_catalog.hashtextextended(pg_catalog."timestamptz_send"(t."updated_at")::pg_catalog.text
    collate pg_catalog."C", 1), 0)), (coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
    t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8), 0)),
    (coalesce(pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog."numeric_out"(t."Price"))::pg_catalog.text
    collate pg_catalog."C", 1), 0)),
    (coalesce(pg_catalog.hashtextextended(row(t."body")::pg_catalog.text collate pg_catalog."C", 1),
    0)), (coalesce(pg_catalog.uuid_hash_extended(t."owner", 1), 0)) from (values (1,
    '7'::"pg_catalog"."int4")) k("pgsync_n", "id") join only "copy"."Item" t on t."id"
    operator("pg_catalog".=) k."id"

-- delete vanished by ranges
gone as (delete from only "copy"."Item" t using (select v.* from pg_temp.pgsync_vanished v limit
    all) h where t."id" operator("pg_catalog".=) h."id" and (t."id"::pg_catalog.int8
    operator(pg_catalog.>>) 6) operator(pg_catalog.=) h."pgsync_bucket" returning
    null::pg_catalog.int8 as key_hash), removed as (select pg_catalog.count(*) as deleted,
    null::pg_catalog.numeric as keys from gone)

-- delete vanished by hashes
gone as (delete from only "copy"."Item" t using (select v.* from pg_temp.pgsync_vanished v limit
    all) h where t."id" operator("pg_catalog".=) h."id" and
    ((coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8, t."id"::pg_catalog.int8
    operator(pg_catalog.#) 1::pg_catalog.int8), 0)) operator(pg_catalog.&) 7::pg_catalog.int8)
    operator(pg_catalog.=) h."pgsync_bucket" returning null::pg_catalog.int8 as key_hash), removed
    as (select pg_catalog.count(*) as deleted, null::pg_catalog.numeric as keys from gone)

-- delete vanished by a tracked key
gone as (delete from only "copy"."Item" t using (select v.* from pg_temp.pgsync_vanished v limit
    all) h where t."id" operator("pg_catalog".=) h."id" and
    ((coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8, t."id"::pg_catalog.int8
    operator(pg_catalog.#) 1::pg_catalog.int8), 0)) operator(pg_catalog.&) 7::pg_catalog.int8)
    operator(pg_catalog.=) h."pgsync_bucket" returning
    (coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8, t."id"::pg_catalog.int8
    operator(pg_catalog.#) 1::pg_catalog.int8), 0)) as key_hash), removed as (select
    pg_catalog.count(*) as deleted, coalesce(pg_catalog.sum(key_hash), 0) as keys from gone)
