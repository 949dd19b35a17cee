-- copy all
copy (select t."updated_at", t."id", t."Price", t."body", t."owner" from (select "item"."updated_at",
"item"."id", "item"."cost" as "Price", null::"pg_catalog"."xml" as "body", "item"."owner", "item".ctid from
only "public"."item" where ("at" > ('2024-12-13 15:25:30.5+00'::pg_catalog.timestamptz) - interval '90 days'
or keep)) t) to stdout

-- copy pages
copy (select t."updated_at", t."id", t."Price", t."body", t."owner" from (select "item"."updated_at",
"item"."id", "item"."cost" as "Price", null::"pg_catalog"."xml" as "body", "item"."owner", "item".ctid from
only "public"."item" where ("at" > ('2024-12-13 15:25:30.5+00'::pg_catalog.timestamptz) - interval '90 days'
or keep)) t where t.ctid operator(pg_catalog.>=) '(7,0)'::pg_catalog.tid and t.ctid operator(pg_catalog.<)
'(9,0)'::pg_catalog.tid) to stdout

-- copy ordered
copy (select t."updated_at", t."id", t."Price", t."body", t."owner" from (select "item"."updated_at",
"item"."id", "item"."cost" as "Price", null::"pg_catalog"."xml" as "body", "item"."owner", "item".ctid from
only "public"."item" where ("at" > ('2024-12-13 15:25:30.5+00'::pg_catalog.timestamptz) - interval '90 days'
or keep)) t where t."updated_at" operator(pg_catalog.>=) pg_catalog.timezone('UTC', '2024-12-13
15:25:30.5'::pg_catalog.timestamp) and t."updated_at" operator(pg_catalog.<) 'infinity' order by
t."updated_at") to stdout

-- copy hashed
copy (select
    (coalesce(pg_catalog.hashtextextended(pg_catalog."timestamptz_send"(t."updated_at")::pg_catalog.text
    collate pg_catalog."C", 1), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8, t."id"::pg_catalog.int8
    operator(pg_catalog.#) 2::pg_catalog.int8), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog."numeric_out"(t."Price"))::pg_catalog.text
    collate pg_catalog."C", 3), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashtextextended(row(t."body")::pg_catalog.text collate pg_catalog."C", 4), 0)
    operator(pg_catalog.#) coalesce(pg_catalog.uuid_hash_extended(t."owner", 5), 0)), t."updated_at",
    t."id", t."Price", t."body", t."owner" from (select t.* from (select "item"."updated_at", "item"."id",
    "item"."cost" as "Price", null::"pg_catalog"."xml" as "body", "item"."owner", "item".ctid from only
    "public"."item" where ("at" > ('2024-12-13 15:25:30.5+00'::pg_catalog.timestamptz) - interval '90 days'
    or keep)) t where t."updated_at" operator(pg_catalog.>=) pg_catalog.timezone('UTC', '2024-12-13
    15:25:30.5'::pg_catalog.timestamp) and t."updated_at" operator(pg_catalog.<) 'infinity' order by
    t."updated_at" offset 0) t order by t."updated_at") to stdout

-- digest of keys
select pg_catalog.count(*), pg_catalog.sum((coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8), 0) operator(pg_catalog.#)
coalesce(pg_catalog.uuid_hash_extended(t."owner", 2), 0))) from (select "item"."updated_at", "item"."id",
"item"."cost" as "Price", null::"pg_catalog"."xml" as "body", "item"."owner", "item".ctid from only
"public"."item" where ("at" > ('2024-12-13 15:25:30.5+00'::pg_catalog.timestamptz) - interval '90 days' or
keep)) t

-- digest of keys on the target
select pg_catalog.count(*), pg_catalog.sum((coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8), 0) operator(pg_catalog.#)
coalesce(pg_catalog.uuid_hash_extended(t."owner", 2), 0))) from only "copy"."Item" t

-- partitioned
(select "item"."updated_at", "item"."id", "item"."cost" as "Price", null::"pg_catalog"."xml" as "body",
"item"."owner", "item".ctid from "public"."item" where ("at" > ('2024-12-13
15:25:30.5+00'::pg_catalog.timestamptz) - interval '90 days' or keep))

