-- digest of keys
select pg_catalog.count(*),
    pg_catalog.sum((coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
                    t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8),
                0) operator(pg_catalog.#) coalesce(pg_catalog.uuid_hash_extended(t."owner", 2),
                0))) from only "public"."item" t

-- digest of rows
select pg_catalog.count(*),
    pg_catalog.sum((coalesce(pg_catalog.hashtextextended(pg_catalog."timestamptz_send"(t."updated_at")::pg_catalog.text
                collate pg_catalog."C", 1), 0) operator(pg_catalog.#)
            coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
                    t."id"::pg_catalog.int8 operator(pg_catalog.#) 2::pg_catalog.int8),
                0) operator(pg_catalog.#)
            coalesce(pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog."numeric_out"((t."Price"::pg_catalog.numeric(8,2))))::pg_catalog.text
                    collate pg_catalog."C", 3), 0) operator(pg_catalog.#)
            coalesce(pg_catalog.hashtextextended(row(t."body")::pg_catalog.text collate
                    pg_catalog."C", 4), 0) operator(pg_catalog.#)
            coalesce(pg_catalog.uuid_hash_extended(t."owner", 5), 0)))
    from only "public"."item" t where (t."updated_at" is null or
        t."updated_at" operator(pg_catalog.=) 'infinity' or
        t."updated_at" operator(pg_catalog.=) '-infinity')

-- digest of rows on the target
select pg_catalog.count(*),
    pg_catalog.sum((coalesce(pg_catalog.hashtextextended(pg_catalog."timestamptz_send"(t."updated_at")::pg_catalog.text
                collate pg_catalog."C", 1), 0) operator(pg_catalog.#)
            coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
                    t."id"::pg_catalog.int8 operator(pg_catalog.#) 2::pg_catalog.int8),
                0) operator(pg_catalog.#)
            coalesce(pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog."numeric_out"(t."Price"))::pg_catalog.text collate
                    pg_catalog."C", 3), 0) operator(pg_catalog.#)
            coalesce(pg_catalog.hashtextextended(row(t."body")::pg_catalog.text collate
                    pg_catalog."C", 4), 0) operator(pg_catalog.#)
            coalesce(pg_catalog.uuid_hash_extended(t."owner", 5), 0)))
    from only "copy"."Item" t

-- digest of rows with a generated column
select pg_catalog.count(*),
    pg_catalog.sum((coalesce(pg_catalog.hashint8extended(t."n"::pg_catalog.int8,
                    t."n"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8),
                0) operator(pg_catalog.#)
            coalesce(pg_catalog.hashint8extended(t."twice"::pg_catalog.int8,
                    t."twice"::pg_catalog.int8 operator(pg_catalog.#) 2::pg_catalog.int8),
                0))) from only "public"."item" t

-- digest by md5
select pg_catalog.count(*), pg_catalog.sum((('x' operator(pg_catalog.||)
                pg_catalog.substr(pg_catalog.md5(row(pg_catalog."timestamptz_send"(t."updated_at"), t."id",
                            (t."Price"::pg_catalog.numeric(8,2)), t."body", t."owner")::pg_catalog.text), 1,
                    16))::pg_catalog.bit(64)::pg_catalog.int8)) from "public"."item" t

-- digest by md5 of recoded text
select pg_catalog.count(*), pg_catalog.sum((('x' operator(pg_catalog.||)
                pg_catalog.substr(pg_catalog.md5(pg_catalog.convert_to(row(t."id",
                            t."owner")::pg_catalog.text, 'UTF8')), 1,
                    16))::pg_catalog.bit(64)::pg_catalog.int8)) from only "copy"."Item" t

-- digest by md5 of text that is not recoded
select pg_catalog.count(*), pg_catalog.sum((('x' operator(pg_catalog.||)
                pg_catalog.substr(pg_catalog.md5(row(t."id",
                            t."owner")::pg_catalog.text), 1,
                    16))::pg_catalog.bit(64)::pg_catalog.int8)) from only "public"."item" t

-- digest of buckets
select pg_catalog.count(*),
    pg_catalog.sum((coalesce(pg_catalog.hashtextextended(pg_catalog."timestamptz_send"(t."updated_at")::pg_catalog.text
    collate pg_catalog."C", 1), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8, t."id"::pg_catalog.int8
    operator(pg_catalog.#) 2::pg_catalog.int8), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog."numeric_out"((t."Price"::pg_catalog.numeric(8,2))))::pg_catalog.text
    collate pg_catalog."C", 3), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashtextextended(row(t."body")::pg_catalog.text collate pg_catalog."C", 4),
    0) operator(pg_catalog.#) coalesce(pg_catalog.uuid_hash_extended(t."owner", 5), 0))) from rows
    from (pg_catalog.unnest('{0,256}'::pg_catalog.int8[]),
    pg_catalog.unnest('{63,447}'::pg_catalog.int8[])) b(low, high) join only "public"."item" t on
    t."id" operator(pg_catalog.>=) b.low and t."id" operator(pg_catalog.<=) b.high and
    (t."updated_at" is null or t."updated_at" operator(pg_catalog.=) 'infinity' or t."updated_at"
    operator(pg_catalog.=) '-infinity')

-- digest of staged rows
select pg_catalog.count(*),
    pg_catalog.sum((coalesce(pg_catalog.hashtextextended(pg_catalog."timestamptz_send"(t."updated_at")::pg_catalog.text
    collate pg_catalog."C", 1), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8, t."id"::pg_catalog.int8
    operator(pg_catalog.#) 2::pg_catalog.int8), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog."numeric_out"(t."Price"))::pg_catalog.text
    collate pg_catalog."C", 3), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashtextextended(row(t."body")::pg_catalog.text collate pg_catalog."C", 4),
    0) operator(pg_catalog.#) coalesce(pg_catalog.uuid_hash_extended(t."owner", 5), 0))) from rows
    from (pg_catalog.unnest('{0,256}'::pg_catalog.int8[]),
    pg_catalog.unnest('{63,447}'::pg_catalog.int8[])) b(low, high) join only "copy"."Item" t on
    t."id" operator(pg_catalog.>=) b.low and t."id" operator(pg_catalog.<=) b.high and exists
    (select from pg_temp.pgsync_keys s where t."id" operator("pg_catalog".=) s."id")

-- digest up to
select pg_catalog.count(*), pg_catalog.sum(h.h), pg_catalog.max(h.at)
    filter (where h.at operator(pg_catalog.<) 'infinity')
    from (select
        (coalesce(pg_catalog.hashtextextended(pg_catalog."timestamptz_send"(t."updated_at")::pg_catalog.text
                collate pg_catalog."C", 1), 0) operator(pg_catalog.#)
            coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
                    t."id"::pg_catalog.int8 operator(pg_catalog.#) 2::pg_catalog.int8),
                0) operator(pg_catalog.#)
            coalesce(pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog."numeric_out"(t."Price"))::pg_catalog.text collate
                    pg_catalog."C", 3), 0) operator(pg_catalog.#)
            coalesce(pg_catalog.hashtextextended(row(t."body")::pg_catalog.text collate
                    pg_catalog."C", 4), 0) operator(pg_catalog.#)
            coalesce(pg_catalog.uuid_hash_extended(t."owner", 5), 0)) as h, t."updated_at" as at
        from only "copy"."Item" t where (t."updated_at" is null or
            t."updated_at" operator(pg_catalog.=) 'infinity' or
            t."updated_at" operator(pg_catalog.=) '-infinity')
        limit 9) h

-- key bounds
select pg_catalog.min(t."id"), pg_catalog.max(t."id")
    from only "public"."item" t

-- buckets by ranges
copy (select r.b, pg_catalog.count(*), pg_catalog.sum(r.h)
        from (select (t."id"::pg_catalog.int8 operator(pg_catalog.>>) 6) as b,
            (coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
                        t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8),
                    0) operator(pg_catalog.#) coalesce(pg_catalog.uuid_hash_extended(t."owner",
                        2), 0)) as h from only "public"."item" t limit all) r
        group by 1 order by 1) to stdout

-- buckets by hashes
copy (select r.b, pg_catalog.count(*), pg_catalog.sum(r.h)
        from (select ((coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
                            t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8),
                        0)) operator(pg_catalog.&) 7::pg_catalog.int8) as b,
            (coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
                        t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8),
                    0) operator(pg_catalog.#) coalesce(pg_catalog.uuid_hash_extended(t."owner",
                        2), 0)) as h from only "copy"."Item" t where (t."updated_at" is null or
                t."updated_at" operator(pg_catalog.=) 'infinity' or
                t."updated_at" operator(pg_catalog.=) '-infinity')
            limit all) r group by 1 order by 1) to stdout
