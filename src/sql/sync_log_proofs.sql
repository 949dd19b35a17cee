-- Writes down what a run has proven of its tables: of each the part, and since when all parts have been proven. That
-- is when the oldest of the last $others other parts was proven, and no earlier than what was known before.
update $log l set proven_buckets = v.share,
  proven_since = case when v.whole then l.start_time else greatest(
    (select case when pg_catalog.count(*) operator(pg_catalog.=) $others then pg_catalog.min(p.start_time) end
      from (select p.start_time from $log p
        where p.schema_name operator(pg_catalog.=) l.schema_name and p.table_name operator(pg_catalog.=) l.table_name
          and p.id operator(pg_catalog.<) l.id
          and pg_catalog.split_part(p.proven_buckets, '/', 2) operator(pg_catalog.=) $of
        order by p.id desc limit $others) p),
    (select p.proven_since from $log p
      where p.schema_name operator(pg_catalog.=) l.schema_name and p.table_name operator(pg_catalog.=) l.table_name
        and p.id operator(pg_catalog.<) l.id and p.proven_since is not null
      order by p.id desc limit 1)) end
from (values $proven) v(schema_name, table_name, share, whole)
where l.run_id operator(pg_catalog.=) $run and l.schema_name operator(pg_catalog.=) v.schema_name
  and l.table_name operator(pg_catalog.=) v.table_name and l.status operator(pg_catalog.=) 'success'
  and coalesce(l.sync_type, '') operator(pg_catalog.<>) 'create'
