-- create key stage
drop table if exists pg_temp.pgsync_keys; create temporary table pgsync_keys as select t."id",
    0::pg_catalog.int8 as pgsync_hash from only "copy"."Item" t with no data

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
drop table if exists pg_temp.pgsync_here; create temporary table pgsync_here as
    select t."id",
    (coalesce(pg_catalog.hashtextextended(pg_catalog."timestamptz_send"(t."updated_at")::pg_catalog.text
            collate pg_catalog."C", 1), 0) operator(pg_catalog.#)
        coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
                t."id"::pg_catalog.int8 operator(pg_catalog.#) 2::pg_catalog.int8),
            0) operator(pg_catalog.#)
        coalesce(pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog."numeric_out"(t."Price"))::pg_catalog.text collate
                pg_catalog."C", 3), 0) operator(pg_catalog.#)
        coalesce(pg_catalog.hashtextextended(row(t."body")::pg_catalog.text collate
                pg_catalog."C", 4), 0) operator(pg_catalog.#)
        coalesce(pg_catalog.uuid_hash_extended(t."owner", 5), 0)) as pgsync_hash,
        (t."id"::pg_catalog.int8 operator(pg_catalog.>>) 6) as pgsync_bucket
    from rows from (pg_catalog.unnest('{0,256}'::pg_catalog.int8[]),
        pg_catalog.unnest('{63,447}'::pg_catalog.int8[])) b(low, high)
    join only "copy"."Item" t on t."id" operator(pg_catalog.>=) b.low
    and t."id" operator(pg_catalog.<=) b.high; analyze pg_temp.pgsync_here

-- create here by hashes
drop table if exists pg_temp.pgsync_here; create temporary table pgsync_here as
    select t."id", (coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
            t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8), 0) operator(pg_catalog.#)
        coalesce(pg_catalog.uuid_hash_extended(t."owner", 2), 0)) as pgsync_hash,
    ((coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
                t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8), 0)) operator(pg_catalog.&) 7::pg_catalog.int8) as pgsync_bucket
    from rows from (pg_catalog.unnest('{1,2,5}'::pg_catalog.int8[]),
        pg_catalog.unnest('{null,null,-3}'::pg_catalog.int8[])) b(bucket, hash)
    join only "copy"."Item" t on ((coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
                t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8), 0)) operator(pg_catalog.&) 7::pg_catalog.int8) operator(pg_catalog.=) b.bucket
        and (b.hash is null or (coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
            t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8), 0) operator(pg_catalog.#)
        coalesce(pg_catalog.uuid_hash_extended(t."owner", 2), 0)) operator(pg_catalog.=) b.hash); analyze pg_temp.pgsync_here

-- count unfound
select pg_catalog.count(*) from pg_catalog.unnest('{-3}'::pg_catalog.int8[]) u(hash)
    where not exists (select from pg_temp.pgsync_here t
        where t.pgsync_hash operator(pg_catalog.=) u.hash)
    and not exists (select from pg_temp.pgsync_keys s
        where s.pgsync_hash operator(pg_catalog.=) u.hash)

-- want
drop table if exists pg_temp.pgsync_wanted; create temporary table pgsync_wanted as select
    pg_catalog.row_number() over () as pgsync_n, s."id"
    from pg_temp.pgsync_keys s left join pg_temp.pgsync_here t
    on t."id" operator("pg_catalog".=) s."id" where t.pgsync_hash is null or
    t.pgsync_hash operator(pg_catalog.<>) s.pgsync_hash;
    create index on pg_temp.pgsync_wanted (pgsync_n);
    select pg_catalog.count(*) from pg_temp.pgsync_wanted

-- wanted
select pg_catalog.array_agg(w."id"::pg_catalog.text
        order by w.pgsync_n)::pg_catalog.text from pg_temp.pgsync_wanted w
    where w.pgsync_n operator(pg_catalog.>=) 1 and w.pgsync_n operator(pg_catalog.<) 2001

-- copy wanted
copy (select t."updated_at", t."id", (t."Price"::pg_catalog.numeric(8,2)), t."body", t."owner"
        from (select w."id"::"pg_catalog"."int4" as "id"
            from rows from (pg_catalog.unnest('{1,2}'::pg_catalog.text[])) w("id")) k
        join only "public"."item" t on t."id" operator("pg_catalog".=) k."id") to stdout

-- copy wanted unless in the window
copy (select t."updated_at", t."id", (t."Price"::pg_catalog.numeric(8,2)), t."body", t."owner"
        from (select w."id"::"pg_catalog"."int4" as "id"
            from rows from (pg_catalog.unnest('{1,2}'::pg_catalog.text[])) w("id")) k
        join only "public"."item" t on t."id" operator("pg_catalog".=) k."id"
        where not coalesce(t."updated_at" operator(pg_catalog.>=) pg_catalog.timezone('UTC',
                '2024-12-13 15:25:30.5'::pg_catalog.timestamp)
            and t."updated_at" operator(pg_catalog.<) 'infinity', false)) to stdout

-- count vanished
select pg_catalog.count(*) from pg_temp.pgsync_here t where not exists
    (select from pg_temp.pgsync_keys s where t."id" operator("pg_catalog".=) s."id")

-- delete vanished by ranges
gone as (delete from only "copy"."Item" t using
        (select t.* from pg_temp.pgsync_here t where not exists
            (select from pg_temp.pgsync_keys s where t."id" operator("pg_catalog".=) s."id") limit all) h
        where t."id" operator("pg_catalog".=) h."id" and
        (t."id"::pg_catalog.int8 operator(pg_catalog.>>) 6) operator(pg_catalog.=) h.pgsync_bucket
        returning 1),
    removed as (select pg_catalog.count(*) as deleted from gone)

-- delete vanished by hashes
gone as (delete from only "copy"."Item" t using
        (select t.* from pg_temp.pgsync_here t where not exists
            (select from pg_temp.pgsync_keys s where t."id" operator("pg_catalog".=) s."id") limit all) h
        where t."id" operator("pg_catalog".=) h."id" and
        ((coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
                t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8), 0)) operator(pg_catalog.&) 7::pg_catalog.int8) operator(pg_catalog.=) h.pgsync_bucket
        returning 1),
    removed as (select pg_catalog.count(*) as deleted from gone)
