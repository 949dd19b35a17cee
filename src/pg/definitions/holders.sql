-- What keeps columns of the tables $tables from getting another type or from being dropped, one JSON object a row: views
-- (without a column: one that holds the table alone), in the order in which they have to go,
-- rules, triggers, policies and the like (as DROP names them), columns that are computed of them, their place in a partition key, parents that
-- they come from, foreign keys to and from other tables, which are looked at again when the type changes, and checks, which are worded by it. What holds a column of a
-- partition or of another child holds the table's.
with recursive scope(root, oid) as (
  select t, t from unnest($tables) t
  union
  select s.root, i.inhrelid from scope s join pg_inherits i on i.inhparent = s.oid
), views as (
  $views
), users(root, attname, classid, objid) as (
  select s.root, a.attname, d.classid, d.objid
  from scope s
  join pg_attribute a on a.attrelid = s.oid and a.attnum > 0
  join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = a.attrelid and d.refobjsubid = a.attnum
  union
  -- What needs the view.
  select v.root, v.attname, d.classid, d.objid
  from views v
  join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = v.view and d.deptype = 'n'
  where v.attname is not null
)
select json_build_object('table', x.oid::int8, 'column', x.attname, 'holder', x.holder)
from (
  select v.root as oid, v.attname, v.level, json_build_object('view', v.told) as holder
  from views v
  union all
  select u.root, u.attname, 0, json_build_object('other', replace(pg_describe_object(u.classid, u.objid, 0), ' on table ', ' on '))
  from users u
  join pg_rewrite r on u.classid = 'pg_rewrite'::regclass and r.oid = u.objid
  join pg_class v on v.oid = r.ev_class and v.relkind not in ('v', 'm')
  group by u.root, u.attname, u.classid, u.objid
  union all
  select u.root, u.attname, 0, json_build_object('other', replace(pg_describe_object(u.classid, u.objid, 0), ' on table ', ' on '))
  from users u
  where u.classid in ('pg_policy'::regclass, 'pg_proc'::regclass, 'pg_publication_rel'::regclass)
    or u.classid = 'pg_trigger'::regclass and exists (
      select from pg_trigger t
      where t.oid = u.objid and not t.tgisinternal and coalesce(to_jsonb(t) ->> 'tgparentid', '0') = '0')
  group by u.root, u.attname, u.classid, u.objid
  union all
  select u.root, u.attname, 0, json_build_object('generated', g.attname)
  from users u
  join pg_attrdef f on u.classid = 'pg_attrdef'::regclass and f.oid = u.objid
  join pg_attribute g on g.attrelid = f.adrelid and g.attnum = f.adnum and to_jsonb(g) ->> 'attgenerated' <> ''
    and g.attname <> u.attname
  group by u.root, u.attname, g.attname
  union all
  select s.root, a.attname, 0, json_build_object('partition_key', '')
  from scope s
  join pg_partitioned_table p on p.partrelid = s.oid
  join pg_attribute a on a.attrelid = s.oid and a.attnum = any (p.partattrs::int2[])
  group by s.root, a.attname
  union all
  select a.attrelid, a.attname, 0, json_build_object('parent', json_build_object('schema', n.nspname, 'name', c.relname))
  from pg_attribute a
  join pg_inherits h on h.inhrelid = a.attrelid
  join pg_class c on c.oid = h.inhparent
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute b on b.attrelid = c.oid and b.attname = a.attname and not b.attisdropped
  where a.attrelid = any ($tables) and a.attnum > 0
  union all
  select a.attrelid, a.attname, 0, json_build_object('foreign_key', json_build_object(
    'table', json_build_object('schema', n.nspname, 'name', c.relname), 'name', k.conname, 'definition', pg_get_constraintdef(k.oid)))
  from pg_constraint k
  join pg_attribute a on a.attrelid = k.confrelid and a.attnum = any (k.confkey)
  join pg_class c on c.oid = k.conrelid
  join pg_namespace n on n.oid = c.relnamespace
  where k.contype = 'f' and k.confrelid = any ($tables) and k.conrelid <> k.confrelid
    and coalesce(to_jsonb(k) ->> 'conparentid', '0') = '0'
  union all
  select a.attrelid, a.attname, 0, json_build_object('own_key', json_build_object(
    'table', json_build_object('schema', n.nspname, 'name', c.relname), 'name', k.conname, 'definition', pg_get_constraintdef(k.oid)))
  from pg_constraint k
  join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
  join pg_class c on c.oid = k.conrelid
  join pg_namespace n on n.oid = c.relnamespace
  where k.contype = 'f' and k.conrelid = any ($tables) and k.conrelid <> k.confrelid
    and coalesce(to_jsonb(k) ->> 'conparentid', '0') = '0'
  union all
  select a.attrelid, a.attname, 0, json_build_object('own_check', json_build_object('name', k.conname, 'category', t.typcategory))
  from pg_constraint k
  join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
  join pg_type t on t.oid = a.atttypid
  where k.contype = 'c' and k.conrelid = any ($tables)
) x
order by x.oid, x.level desc, x.attname, x.holder::text
