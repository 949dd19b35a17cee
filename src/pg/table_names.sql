-- The names of the tables of the schemas in $schemas, without partitions.
select n.nspname, c.relname
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
where n.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[])
  and c.relkind operator(pg_catalog.=) any (array['r', 'p']::pg_catalog."char"[]) and not c.relispartition
  and c.relpersistence operator(pg_catalog.<>) 't'
