-- Every foreign key with an end in the schemas $schemas, one JSON object a row. Read from
-- pg_constraint: information_schema hides foreign keys from a role that only reads. Those of
-- partitions that follow from their parent's are left out (conparentid, from PostgreSQL 11).
select pg_catalog.json_build_object(
  'name', k.conname,
  'child', pg_catalog.json_build_object('schema', cn.nspname, 'name', c.relname),
  'parent', pg_catalog.json_build_object('schema', pn.nspname, 'name', p.relname),
  'child_columns', (
    select pg_catalog.json_agg(a.attname order by u.place)
    from pg_catalog.unnest(k.conkey) with ordinality as u(attnum, place)
    join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) k.conrelid
      and a.attnum operator(pg_catalog.=) u.attnum),
  'parent_columns', (
    select pg_catalog.json_agg(a.attname order by u.place)
    from pg_catalog.unnest(k.confkey) with ordinality as u(attnum, place)
    join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) k.confrelid
      and a.attnum operator(pg_catalog.=) u.attnum),
  'on_delete', k.confdeltype,
  'on_update', k.confupdtype,
  'deferrable', k.condeferrable,
  -- Not one that was added NOT VALID or (from PostgreSQL 18) NOT ENFORCED.
  'validated', k.convalidated
    and coalesce(pg_catalog.to_jsonb(k) operator(pg_catalog.->>) 'conenforced', 'true') operator(pg_catalog.=) 'true',
  'equals', (
    select pg_catalog.json_agg(pg_catalog.json_build_object('schema', opn.nspname, 'name', op.oprname)
      order by u.place)
    from pg_catalog.unnest(k.conpfeqop) with ordinality as u(oid, place)
    join pg_catalog.pg_operator op on op.oid operator(pg_catalog.=) u.oid
    join pg_catalog.pg_namespace opn on opn.oid operator(pg_catalog.=) op.oprnamespace)
)
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) k.conrelid
join pg_catalog.pg_namespace cn on cn.oid operator(pg_catalog.=) c.relnamespace
join pg_catalog.pg_class p on p.oid operator(pg_catalog.=) k.confrelid
join pg_catalog.pg_namespace pn on pn.oid operator(pg_catalog.=) p.relnamespace
where k.contype operator(pg_catalog.=) 'f'
  and not c.relispartition and not p.relispartition
  and coalesce(pg_catalog.to_jsonb(k) operator(pg_catalog.->>) 'conparentid', '0') operator(pg_catalog.=) '0'
  and (cn.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[])
    or pn.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[]))
order by cn.nspname, c.relname, k.conname
