-- hashes of columns
select k."pgsync_n", (t."updated_at" is null or t."updated_at" operator(pg_catalog.=) 'infinity' or t."updated_at"
        operator(pg_catalog.=) '-infinity'),
        (coalesce(pg_catalog.hashtextextended(pg_catalog."timestamptz_send"(t."updated_at")::pg_catalog.text collate
        pg_catalog."C", 1), 0)), (coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
        t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8), 0)),
        (coalesce(pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog."numeric_out"((t."Price"::pg_catalog.numeric(8,2))))::pg_catalog.text
        collate pg_catalog."C", 1), 0)), (coalesce(pg_catalog.hashtextextended(row(t."body")::pg_catalog.text
        collate pg_catalog."C", 1), 0)), (coalesce(pg_catalog.uuid_hash_extended(t."owner", 1), 0)),
        (coalesce(pg_catalog.hashint8extended(t."twice"::pg_catalog.int8, t."twice"::pg_catalog.int8
        operator(pg_catalog.#) 1::pg_catalog.int8), 0)) from (values (3, 'it''s 7'::"pg_catalog"."int4"))
        k("pgsync_n", "id") join only "public"."item" t on t."id" operator("pg_catalog".=) k."id"

-- hashes and values of columns
select k."pgsync_n", false,
        (coalesce(pg_catalog.hashtextextended(pg_catalog."timestamptz_send"(t."updated_at")::pg_catalog.text collate
        pg_catalog."C", 1), 0)), (coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8,
        t."id"::pg_catalog.int8 operator(pg_catalog.#) 1::pg_catalog.int8), 0)),
        (coalesce(pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog."numeric_out"(t."Price"))::pg_catalog.text
        collate pg_catalog."C", 1), 0)), (coalesce(pg_catalog.hashtextextended(row(t."body")::pg_catalog.text
        collate pg_catalog."C", 1), 0)), (coalesce(pg_catalog.uuid_hash_extended(t."owner", 1), 0)),
        (coalesce(pg_catalog.hashint8extended(t."twice"::pg_catalog.int8, t."twice"::pg_catalog.int8
        operator(pg_catalog.#) 1::pg_catalog.int8), 0)), case when pg_catalog.num_nulls(t."updated_at")
        operator(pg_catalog.=) 0 then pg_catalog.concat(t."updated_at") end, case when pg_catalog.num_nulls(t."id")
        operator(pg_catalog.=) 0 then pg_catalog.concat(t."id") end, case when pg_catalog.num_nulls(t."Price")
        operator(pg_catalog.=) 0 then pg_catalog.concat(t."Price") end, case when pg_catalog.num_nulls(t."body")
        operator(pg_catalog.=) 0 then pg_catalog.concat(t."body") end, case when pg_catalog.num_nulls(t."owner")
        operator(pg_catalog.=) 0 then pg_catalog.concat(t."owner") end, case when pg_catalog.num_nulls(t."twice")
        operator(pg_catalog.=) 0 then pg_catalog.concat(t."twice") end from (values (3, 'it''s
        7'::"pg_catalog"."int4")) k("pgsync_n", "id") join only "copy"."Item" t on t."id" operator("pg_catalog".=)
        k."id"

-- insert without a generated column
insert into "copy"."Item" ("id", "Price") overriding system value values ('7', '1.50')

-- update
update "copy"."Item" t set "Price" = '1.50' where t."id" operator("pg_catalog".=) 'it''s 7'

-- delete
delete from "copy"."Item" t where t."id" operator("pg_catalog".=) 'it''s 7'
