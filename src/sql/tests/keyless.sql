-- copy buckets
copy (select t."updated_at", t."id", (t."Price"::pg_catalog.numeric(8,2)), t."body", t."owner"
        from pg_catalog.unnest('{1,2,5}'::pg_catalog.int8[]) b(bucket)
        join "public"."item" t on ((('x' operator(pg_catalog.||)
                    pg_catalog.substr(pg_catalog.md5(row(pg_catalog."timestamptz_send"(t."updated_at"), t."id",
                            (t."Price"::pg_catalog.numeric(8,2)), t."body", t."owner")::pg_catalog.text), 1,
                        16))::pg_catalog.bit(64)::pg_catalog.int8) operator(pg_catalog.&)
            7::pg_catalog.int8) operator(pg_catalog.=) b.bucket) to stdout

-- replace rows
surplus as (select x.at, x.part, x.staged from (select r.at, r.part, r.staged,
    pg_catalog.row_number() over (partition by r.image, r.staged) as n, pg_catalog.count(*) filter
    (where not r.staged) over (partition by r.image) as present, pg_catalog.count(*) filter (where
    r.staged) over (partition by r.image) as wanted from (select t.ctid as at, t.tableoid as part,
    pg_catalog.md5(row(t."updated_at", t."id", t."Price", t."body",
    t."owner")::pg_catalog.text)::pg_catalog.uuid as image, false as staged from
    pg_catalog.unnest('{1,2,5}'::pg_catalog.int8[]) b(bucket) join "copy"."Item" t on ((('x'
    operator(pg_catalog.||)
    pg_catalog.substr(pg_catalog.md5(row(pg_catalog."timestamptz_send"(t."updated_at"), t."id",
    t."Price", t."body", t."owner")::pg_catalog.text), 1, 16))::pg_catalog.bit(64)::pg_catalog.int8)
    operator(pg_catalog.&) 7::pg_catalog.int8) operator(pg_catalog.=) b.bucket union all select
    s.ctid, s.tableoid, pg_catalog.md5(row(s."updated_at", s."id", s."Price", s."body",
    s."owner")::pg_catalog.text)::pg_catalog.uuid, true from pg_temp.pgsync_stage s) r) x where x.n
    operator(pg_catalog.>) case when x.staged then x.present else x.wanted end), gone as (delete
    from "copy"."Item" t using surplus x where not x.staged and t.ctid operator(pg_catalog.=) x.at
    and t.tableoid operator(pg_catalog.=) x.part returning 1), n as (select pg_catalog.count(*) as
    gone from gone), added as (insert into "copy"."Item" ("updated_at", "id", "Price", "body",
    "owner") overriding system value select s."updated_at", s."id", s."Price", s."body", s."owner"
    from n join surplus x on n.gone operator(pg_catalog.>=) 0 and x.staged join pg_temp.pgsync_stage
    s on s.ctid operator(pg_catalog.=) x.at returning 1), removed as (select n.gone as deleted,
    null::pg_catalog.numeric as keys from n), written as (select pg_catalog.count(*) as inserted, 0
    as updated, null::pg_catalog.numeric as keys from added)

-- replace rows without columns
surplus as (select x.at, x.part, x.staged from (select r.at, r.part, r.staged,
    pg_catalog.row_number() over (partition by r.image, r.staged) as n, pg_catalog.count(*) filter
    (where not r.staged) over (partition by r.image) as present, pg_catalog.count(*) filter (where
    r.staged) over (partition by r.image) as wanted from (select t.ctid as at, t.tableoid as part,
    pg_catalog.md5(row()::pg_catalog.text)::pg_catalog.uuid as image, false as staged from
    pg_catalog.unnest('{1,2,5}'::pg_catalog.int8[]) b(bucket) join "copy"."Item" t on ((('x'
    operator(pg_catalog.||) pg_catalog.substr(pg_catalog.md5(row()::pg_catalog.text), 1,
    16))::pg_catalog.bit(64)::pg_catalog.int8) operator(pg_catalog.&) 7::pg_catalog.int8)
    operator(pg_catalog.=) b.bucket union all select s.ctid, s.tableoid,
    pg_catalog.md5(row()::pg_catalog.text)::pg_catalog.uuid, true from pg_temp.pgsync_stage s) r) x
    where x.n operator(pg_catalog.>) case when x.staged then x.present else x.wanted end), gone as
    (delete from "copy"."Item" t using surplus x where not x.staged and t.ctid
    operator(pg_catalog.=) x.at and t.tableoid operator(pg_catalog.=) x.part returning 1), n as
    (select pg_catalog.count(*) as gone from gone), added as (insert into "copy"."Item" overriding
    system value select from n join surplus x on n.gone operator(pg_catalog.>=) 0 and x.staged join
    pg_temp.pgsync_stage s on s.ctid operator(pg_catalog.=) x.at returning 1), removed as (select
    n.gone as deleted, null::pg_catalog.numeric as keys from n), written as (select
    pg_catalog.count(*) as inserted, 0 as updated, null::pg_catalog.numeric as keys from added)

-- count replace rows
with surplus as (select x.at, x.part, x.staged from (select r.at, r.part, r.staged,
    pg_catalog.row_number() over (partition by r.image, r.staged) as n, pg_catalog.count(*) filter
    (where not r.staged) over (partition by r.image) as present, pg_catalog.count(*) filter (where
    r.staged) over (partition by r.image) as wanted from (select t.ctid as at, t.tableoid as part,
    pg_catalog.md5(row(t."updated_at", t."id", t."Price", t."body",
    t."owner")::pg_catalog.text)::pg_catalog.uuid as image, false as staged from
    pg_catalog.unnest('{1,2,5}'::pg_catalog.int8[]) b(bucket) join "copy"."Item" t on ((('x'
    operator(pg_catalog.||)
    pg_catalog.substr(pg_catalog.md5(row(pg_catalog."timestamptz_send"(t."updated_at"), t."id",
    t."Price", t."body", t."owner")::pg_catalog.text), 1, 16))::pg_catalog.bit(64)::pg_catalog.int8)
    operator(pg_catalog.&) 7::pg_catalog.int8) operator(pg_catalog.=) b.bucket union all select s.ctid,
    s.tableoid, pg_catalog.md5(row(s."updated_at", s."id", s."Price", s."body",
    s."owner")::pg_catalog.text)::pg_catalog.uuid, true from pg_temp.pgsync_stage s) r) x where x.n
    operator(pg_catalog.>) case when x.staged then x.present else x.wanted end) select
    pg_catalog.count(*) filter (where x.staged), pg_catalog.count(*) filter (where not x.staged) from
    surplus x
