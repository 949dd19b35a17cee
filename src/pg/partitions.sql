-- Partitions in the schemas of $schemas, with the table at the root of each: those that somebody may
-- take for tables of their own, because $names has their name or because the root is elsewhere.
with recursive up(oid, root) as (
  select c.oid, h.inhparent from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
  join pg_catalog.pg_inherits h on h.inhrelid operator(pg_catalog.=) c.oid
  where n.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[]) and c.relispartition
    and c.relkind operator(pg_catalog.=) any (array['r', 'p', 'f']::pg_catalog."char"[])
  union all
  select up.oid, h.inhparent from up
  join pg_catalog.pg_inherits h on h.inhrelid operator(pg_catalog.=) up.root
)
select pg_catalog.json_build_object(
  'schema', n.nspname, 'name', c.relname,
  'root', pg_catalog.json_build_object('schema', rn.nspname, 'name', r.relname))
from up
join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) up.oid
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
join pg_catalog.pg_class r on r.oid operator(pg_catalog.=) up.root and not r.relispartition
join pg_catalog.pg_namespace rn on rn.oid operator(pg_catalog.=) r.relnamespace
where not rn.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[])
  or c.relname::pg_catalog.text operator(pg_catalog.=) any ($names::pg_catalog.text[])
  or (n.nspname operator(pg_catalog.||) '.' operator(pg_catalog.||) c.relname)
    operator(pg_catalog.=) any ($names::pg_catalog.text[])
order by n.nspname, c.relname
