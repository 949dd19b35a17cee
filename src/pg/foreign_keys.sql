-- Every foreign key with an end in the schemas $schemas, one JSON object a row. Read from
-- pg_constraint: information_schema hides foreign keys from a role that only reads. Those of
-- partitions that follow from their parent's are left out (conparentid, from PostgreSQL 11). Those that
-- a partition has or leads to alone have the topmost parents in its place, and are marked. A check whose function
-- names another table is listed as well: its rows need those of that table.
select pg_catalog.json_build_object(
  'name', k.conname,
  'what', case when c.relispartition or p.relispartition then 'partition' else 'table' end,
  'child', case when c.relispartition then top.child
    else pg_catalog.json_build_object('schema', cn.nspname, 'name', c.relname) end,
  'parent', case when p.relispartition then top.parent
    else pg_catalog.json_build_object('schema', pn.nspname, 'name', p.relname) end,
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
cross join lateral (
  with recursive above(first, oid) as (
    select x.oid, x.oid from pg_catalog.pg_class x
    where x.relispartition and x.oid operator(pg_catalog.=) any (array[c.oid, p.oid])
    union
    select a.first, h.inhparent from above a
    join pg_catalog.pg_inherits h on h.inhrelid operator(pg_catalog.=) a.oid
    join pg_catalog.pg_class x on x.oid operator(pg_catalog.=) a.oid and x.relispartition
  ), names(first, name) as (
    select a.first, pg_catalog.json_build_object('schema', tn.nspname, 'name', t.relname)
    from above a
    join pg_catalog.pg_class t on t.oid operator(pg_catalog.=) a.oid and not t.relispartition
    join pg_catalog.pg_namespace tn on tn.oid operator(pg_catalog.=) t.relnamespace
  )
  select
    (select name from names where first operator(pg_catalog.=) c.oid) as child,
    (select name from names where first operator(pg_catalog.=) p.oid) as parent
) top
where k.contype operator(pg_catalog.=) 'f'
  and coalesce(pg_catalog.to_jsonb(k) operator(pg_catalog.->>) 'conparentid', '0') operator(pg_catalog.=) '0'
  and (cn.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[])
    or pn.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[]))
union all
select pg_catalog.json_build_object(
  'what', 'check',
  'name', k.conname,
  'child', pg_catalog.json_build_object('schema', cn.nspname, 'name', c.relname),
  'parent', pg_catalog.json_build_object('schema', pn.nspname, 'name', p.relname),
  'child_columns', '[]'::pg_catalog.json, 'parent_columns', '[]'::pg_catalog.json,
  'on_delete', 'a', 'on_update', 'a', 'deferrable', false, 'validated', false, 'equals', '[]'::pg_catalog.json)
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) k.conrelid and not c.relispartition
join pg_catalog.pg_namespace cn on cn.oid operator(pg_catalog.=) c.relnamespace
join pg_catalog.pg_depend d on d.classid operator(pg_catalog.=) 'pg_catalog.pg_constraint'::pg_catalog.regclass
  and d.objid operator(pg_catalog.=) k.oid
  and d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
join pg_catalog.pg_proc f on f.oid operator(pg_catalog.=) d.refobjid
join pg_catalog.pg_class p on p.oid operator(pg_catalog.<>) c.oid
  and p.relkind operator(pg_catalog.=) any (array['r', 'p']::pg_catalog."char"[]) and not p.relispartition
  and pg_catalog.strpos(f.prosrc, p.relname::pg_catalog.text) operator(pg_catalog.>) 0
join pg_catalog.pg_namespace pn on pn.oid operator(pg_catalog.=) p.relnamespace
where k.contype operator(pg_catalog.=) 'c'
  and cn.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[])
  and pn.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[])
  and f.prolang operator(pg_catalog.=) any (
    select l.oid from pg_catalog.pg_language l
    where l.lanname operator(pg_catalog.=) any (array['sql', 'plpgsql']::pg_catalog.name[]))
  and f.prosrc operator(pg_catalog.~) (('\m' operator(pg_catalog.||)
    pg_catalog.regexp_replace(p.relname::pg_catalog.text, '([^[:alnum:]_])', '\\\1', 'g')) operator(pg_catalog.||) '\M')
