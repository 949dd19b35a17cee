-- The tables whose last row in the log is of a run from $source, but those of which that row says that they are gone, and
-- nothing is left to be said of them:
-- `schema, table, relkind of what has that name on the target now, whether that row tells of a failure, whether it says
-- that the table is gone`. It walks the
-- index on (schema_name, table_name, id).
with recursive $walk
select w.schema_name, w.table_name, c.relkind, r.status operator(pg_catalog.=) 'failed', r.status operator(pg_catalog.=) 'gone'
from w
cross join lateral (
  select l.source, l.status, l.error_message from $log l where $of_table order by $order limit 1) r
left join pg_catalog.pg_class c
  on c.oid operator(pg_catalog.=) $oid
where r.source operator(pg_catalog.=) $source
  and (r.status operator(pg_catalog.<>) 'gone' or r.error_message is not null)
