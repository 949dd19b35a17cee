-- The views that read the tables of $scope (root, oid), also by way of other views, each with the column that holds it there
-- (NULL where it reads the rows and no column of them), and with how many views lie between: those with the greatest level have to
-- be dropped first.
with recursive reads(root, attname, view, level) as (
  select s.root, a.attname, r.ev_class, 1
  from ($scope) s
  join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = s.oid and d.classid = 'pg_rewrite'::regclass
  join pg_rewrite r on r.oid = d.objid
  join pg_class v on v.oid = r.ev_class and v.relkind in ('v', 'm')
  left join pg_attribute a on a.attrelid = s.oid and a.attnum = d.refobjsubid and a.attnum > 0
  union
  select t.root, t.attname, r.ev_class, t.level + 1
  from reads t
  join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = t.view and d.classid = 'pg_rewrite'::regclass
  join pg_rewrite r on r.oid = d.objid and r.ev_class <> t.view
  join pg_class v on v.oid = r.ev_class and v.relkind in ('v', 'm')
  -- Views may read each other in a circle.
  where t.level < 100
)
select t.root, t.attname, t.view, max(t.level) as level,
  json_build_object('schema', n.nspname, 'name', v.relname, 'materialized', v.relkind = 'm') as told
from reads t join pg_class v on v.oid = t.view join pg_namespace n on n.oid = v.relnamespace
group by t.root, t.attname, t.view, n.nspname, v.relname, v.relkind
