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
    from (select t.relid::pg_catalog.oid
        from pg_catalog.pg_partition_tree(pg_catalog.to_regclass('"public"."it""em"')) t) p(oid)

-- storage of partitions before PostgreSQL 12
select pg_catalog.md5(pg_catalog.string_agg(p.oid::pg_catalog.text operator(pg_catalog.||) ':'
        operator(pg_catalog.||) coalesce(pg_catalog.pg_relation_filenode(p.oid),
            0)::pg_catalog.text operator(pg_catalog.||) p.parted, ',' order by p.oid))
    from (with recursive parts(oid, partition) as (select pg_catalog.to_regclass('"public"."it""em"')::pg_catalog.oid, false
            union select h.inhrelid, c.relispartition from pg_catalog.pg_inherits h
            join parts on parts.oid operator(pg_catalog.=) h.inhparent
            join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) h.inhrelid)
        select oid, case when partition and pg_catalog.pg_get_partition_constraintdef(oid) is null
            then ' detached' else '' end as parted from parts) p
