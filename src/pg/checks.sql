-- The check constraints of the tables with the numbers $tables, one JSON object a row. Those that are not enforced
-- (PostgreSQL 18) refuse nothing. One about the row as a whole has the column number 0, which no column has.
select pg_catalog.json_build_object(
  'table', k.conrelid::pg_catalog.int8,
  'name', k.conname,
  'expression', pg_catalog.pg_get_expr(k.conbin, k.conrelid),
  'columns', (
    select coalesce(pg_catalog.json_agg(a.attname), '[]')
    from pg_catalog.pg_attribute a
    where a.attrelid operator(pg_catalog.=) k.conrelid
      and a.attnum operator(pg_catalog.=) any (k.conkey))
)
from pg_catalog.pg_constraint k
where k.conrelid operator(pg_catalog.=) any ($tables::pg_catalog.oid[])
  and k.contype operator(pg_catalog.=) 'c'
  and coalesce(pg_catalog.to_jsonb(k) operator(pg_catalog.->>) 'conenforced', 'true') operator(pg_catalog.=) 'true'
  and not (0::pg_catalog.int2 operator(pg_catalog.=) any (k.conkey))
order by k.conrelid, k.conname
