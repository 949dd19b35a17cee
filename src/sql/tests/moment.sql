-- hold
select from only "public"."it""em" limit 0

-- hold partitions
select from "public"."it""em" limit 0

-- storage
select pg_catalog.md5(p.oid::pg_catalog.text operator(pg_catalog.||) ':'
        operator(pg_catalog.||) coalesce(pg_catalog.pg_relation_filenode(p.oid),
            0)::pg_catalog.text)
    from (select pg_catalog.to_regclass('"public"."it""em"')::pg_catalog.oid) p(oid)

-- storage of partitions
select pg_catalog.md5(pg_catalog.string_agg(p.oid::pg_catalog.text operator(pg_catalog.||) ':'
        operator(pg_catalog.||) coalesce(pg_catalog.pg_relation_filenode(p.oid),
            0)::pg_catalog.text, ',' order by p.oid))
    from (with recursive parts(oid) as (select pg_catalog.to_regclass('"public"."it""em"')::pg_catalog.oid
            union select h.inhrelid from pg_catalog.pg_inherits h
            join parts on parts.oid operator(pg_catalog.=) h.inhparent)
        select oid from parts) p
