-- What keeps columns of the tables $tables from getting another type, one JSON object a row: views, columns that are
-- computed of them, their place in a partition key, parents that they come from, and foreign keys of other tables, which
-- are looked at again when the type changes.
select json_build_object('table', x.oid::int8, 'column', x.attname, 'holder', x.holder)
from (
  select a.attrelid as oid, a.attname, json_build_object('view', json_build_object('schema', n.nspname, 'name', v.relname)) as holder
  from pg_attribute a
  join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = a.attrelid and d.refobjsubid = a.attnum
    and d.classid = 'pg_rewrite'::regclass
  join pg_rewrite r on r.oid = d.objid
  join pg_class v on v.oid = r.ev_class and v.relkind in ('v', 'm')
  join pg_namespace n on n.oid = v.relnamespace
  where a.attrelid = any ($tables) and a.attnum > 0
  group by a.attrelid, a.attname, n.nspname, v.relname
  union all
  select a.attrelid, a.attname, json_build_object('generated', g.attname)
  from pg_attribute a
  join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = a.attrelid and d.refobjsubid = a.attnum
    and d.classid = 'pg_attrdef'::regclass
  join pg_attrdef f on f.oid = d.objid and f.adrelid = a.attrelid and f.adnum <> a.attnum
  join pg_attribute g on g.attrelid = a.attrelid and g.attnum = f.adnum and to_jsonb(g) ->> 'attgenerated' <> ''
  where a.attrelid = any ($tables) and a.attnum > 0
  group by a.attrelid, a.attname, g.attname
  union all
  select a.attrelid, a.attname, json_build_object('partition_key', '')
  from pg_attribute a join pg_partitioned_table p on p.partrelid = a.attrelid and a.attnum = any (p.partattrs::int2[])
  where a.attrelid = any ($tables)
  union all
  select a.attrelid, a.attname, json_build_object('parent', json_build_object('schema', n.nspname, 'name', c.relname))
  from pg_attribute a
  join pg_inherits h on h.inhrelid = a.attrelid
  join pg_class c on c.oid = h.inhparent
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute b on b.attrelid = c.oid and b.attname = a.attname and not b.attisdropped
  where a.attrelid = any ($tables) and a.attnum > 0
  union all
  select a.attrelid, a.attname, json_build_object('foreign_key', json_build_object(
    'table', json_build_object('schema', n.nspname, 'name', c.relname), 'name', k.conname))
  from pg_constraint k
  join pg_attribute a on a.attrelid = k.confrelid and a.attnum = any (k.confkey)
  join pg_class c on c.oid = k.conrelid
  join pg_namespace n on n.oid = c.relnamespace
  where k.contype = 'f' and k.confrelid = any ($tables) and k.conrelid <> k.confrelid
    and coalesce(to_jsonb(k) ->> 'conparentid', '0') = '0'
) x
order by x.oid, x.attname, x.holder::text
