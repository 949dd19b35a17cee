w as (
  (select l.schema_name, l.table_name from $log l order by l.schema_name, l.table_name limit 1)
  union all
  select n.schema_name, n.table_name from w cross join lateral (
    select l.schema_name, l.table_name from $log l
    where row(l.schema_name, l.table_name) operator(pg_catalog.>) row(w.schema_name, w.table_name)
    order by l.schema_name, l.table_name limit 1) n
)
