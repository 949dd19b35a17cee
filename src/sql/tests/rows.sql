-- copy buckets
copy (select t."updated_at", t."id", (t."Price"::pg_catalog.numeric(8,2)), t."body", t."owner"
        from pg_catalog.unnest('{1,2,5}'::pg_catalog.int8[]) b(bucket)
        join "public"."item" t on ((('x' operator(pg_catalog.||)
                    pg_catalog.substr(pg_catalog.md5(row(pg_catalog."timestamptz_send"(t."updated_at"), t."id",
                            (t."Price"::pg_catalog.numeric(8,2)), t."body", t."owner")::pg_catalog.text), 1,
                        16))::pg_catalog.bit(64)::pg_catalog.int8) operator(pg_catalog.&)
            7::pg_catalog.int8) operator(pg_catalog.=) b.bucket) to stdout

-- replace rows
here as (select x.*, pg_catalog.row_number() over (partition by x.image) as n
        from (select t.ctid as at, t.tableoid as part, row(t."updated_at", t."id", t."Price",
                t."body", t."owner")::pg_catalog.text as image
            from pg_catalog.unnest('{1,2,5}'::pg_catalog.int8[]) b(bucket)
            join "copy"."Item" t on ((('x' operator(pg_catalog.||)
                        pg_catalog.substr(pg_catalog.md5(row(pg_catalog."timestamptz_send"(t."updated_at"), t."id", t."Price",
                            t."body", t."owner")::pg_catalog.text), 1,
                            16))::pg_catalog.bit(64)::pg_catalog.int8) operator(pg_catalog.&)
                7::pg_catalog.int8) operator(pg_catalog.=) b.bucket) x),
    there as (select x.*, pg_catalog.row_number() over (partition by x.image) as n
        from (select s.ctid as at, row(s."updated_at", s."id", s."Price", s."body",
                s."owner")::pg_catalog.text as image from pg_temp.pgsync_stage s) x),
    gone as (delete from "copy"."Item" t using here
        where t.ctid operator(pg_catalog.=) here.at
        and t.tableoid operator(pg_catalog.=) here.part and not exists
        (select from there where there.image operator(pg_catalog.=) here.image
            and there.n operator(pg_catalog.=) here.n) returning 1),
    n as (select pg_catalog.count(*) as gone from gone),
    added as (insert into "copy"."Item" ("updated_at", "id", "Price", "body", "owner") overriding
        system value select s."updated_at", s."id", s."Price", s."body", s."owner"
        from n join there on n.gone operator(pg_catalog.>=) 0
        join pg_temp.pgsync_stage s on s.ctid operator(pg_catalog.=) there.at
        where not exists (select from here where here.image operator(pg_catalog.=) there.image
            and here.n operator(pg_catalog.=) there.n) returning 1),
    removed as (select n.gone as deleted from n),
    written as (select pg_catalog.count(*) as inserted, 0 as updated
        from added)

-- replace rows without columns
here as (select x.*, pg_catalog.row_number() over (partition by x.image) as n
        from (select t.ctid as at, t.tableoid as part, row()::pg_catalog.text as image
            from pg_catalog.unnest('{1,2,5}'::pg_catalog.int8[]) b(bucket)
            join "copy"."Item" t on ((('x' operator(pg_catalog.||)
                        pg_catalog.substr(pg_catalog.md5(row()::pg_catalog.text), 1,
                            16))::pg_catalog.bit(64)::pg_catalog.int8) operator(pg_catalog.&)
                7::pg_catalog.int8) operator(pg_catalog.=) b.bucket) x),
    there as (select x.*, pg_catalog.row_number() over (partition by x.image) as n
        from (select s.ctid as at, row()::pg_catalog.text as image
            from pg_temp.pgsync_stage s) x),
    gone as (delete from "copy"."Item" t using here
        where t.ctid operator(pg_catalog.=) here.at
        and t.tableoid operator(pg_catalog.=) here.part and not exists
        (select from there where there.image operator(pg_catalog.=) here.image
            and there.n operator(pg_catalog.=) here.n) returning 1),
    n as (select pg_catalog.count(*) as gone from gone),
    added as (insert into "copy"."Item" overriding system value
        select from n join there on n.gone operator(pg_catalog.>=) 0
        join pg_temp.pgsync_stage s on s.ctid operator(pg_catalog.=) there.at
        where not exists (select from here where here.image operator(pg_catalog.=) there.image
            and here.n operator(pg_catalog.=) there.n) returning 1),
    removed as (select n.gone as deleted from n),
    written as (select pg_catalog.count(*) as inserted, 0 as updated
        from added)

-- count replace rows
with here as (select x.*, pg_catalog.row_number() over (partition by x.image) as n
        from (select t.ctid as at, t.tableoid as part, row(t."updated_at", t."id", t."Price",
                t."body", t."owner")::pg_catalog.text as image
            from pg_catalog.unnest('{1,2,5}'::pg_catalog.int8[]) b(bucket)
            join "copy"."Item" t on ((('x' operator(pg_catalog.||)
                        pg_catalog.substr(pg_catalog.md5(row(pg_catalog."timestamptz_send"(t."updated_at"), t."id", t."Price",
                            t."body", t."owner")::pg_catalog.text), 1,
                            16))::pg_catalog.bit(64)::pg_catalog.int8) operator(pg_catalog.&)
                7::pg_catalog.int8) operator(pg_catalog.=) b.bucket) x),
    there as (select x.*, pg_catalog.row_number() over (partition by x.image) as n
        from (select s.ctid as at, row(s."updated_at", s."id", s."Price", s."body",
                s."owner")::pg_catalog.text as image from pg_temp.pgsync_stage s) x)
    select pg_catalog.count(*) filter (where here.image is null), pg_catalog.count(*) filter
    (where there.image is null) from there full join here
    on here.image operator(pg_catalog.=) there.image and here.n operator(pg_catalog.=) there.n
