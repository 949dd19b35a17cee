-- Writes down what a run has proven of its tables: of each the part, and since when all parts have been proven. That
-- is when the oldest of the last $others other parts was proven, and no earlier than what was known before.
update $log u set proven_buckets = w.share,
  proven_since = case when w.whole then u.start_time else greatest(
    (select case when pg_catalog.count(*) operator(pg_catalog.=) $others then pg_catalog.min(p.start_time) end
      from (select l.start_time from $latest l
        where l.id operator(pg_catalog.<) u.id
          and pg_catalog.split_part(l.proven_buckets, '/', 2) operator(pg_catalog.=) $of
        order by $order limit $others) p),
    (select l.proven_since from $latest l
      where l.id operator(pg_catalog.<) u.id and l.proven_since is not null
      order by $order limit 1)) end
from (values $proven) w(schema_name, table_name, share, whole)
where u.run_id operator(pg_catalog.=) $run and u.schema_name operator(pg_catalog.=) w.schema_name
  and u.table_name operator(pg_catalog.=) w.table_name and u.status operator(pg_catalog.=) 'success'
  and coalesce(u.sync_type, '') operator(pg_catalog.<>) 'create'
