-- Those of $tables that the log knows under another name, which nothing on the target has by now: a table keeps its
-- number when it is renamed. It walks the index on (schema_name, table_name, id).
with recursive $walk
select w.schema_name, w.table_name
from w k
cross join lateral (
  -- As in `sync_log.rs`: a planner that was told `=` twice would take the primary key for the order.
  select l.fingerprint from $log l
  where l.schema_name operator(pg_catalog.=) k.schema_name
    and l.table_name operator(pg_catalog.>=) k.table_name and l.table_name operator(pg_catalog.<=) k.table_name
    and l.sync_type operator(pg_catalog.=) 'create'
  order by l.table_name desc, l.id desc limit 1) l
cross join $tables
where not exists (
    select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
    where n.nspname operator(pg_catalog.=) k.schema_name::pg_catalog.name
      and c.relname operator(pg_catalog.=) k.table_name::pg_catalog.name)
  and l.fingerprint operator(pg_catalog.=) $oid
