-- Functions that checks, generated columns and indexes of $tables call, and the role may not: the number of the table
-- and the name. A domain's checks are those of the columns that have it.
select u.n operator(pg_catalog.-) 1, pg_catalog.min(p.proname::pg_catalog.text collate pg_catalog."C")
from pg_catalog.unnest(array[$tables]::pg_catalog.text[]) with ordinality as u(name, n)
cross join lateral (select pg_catalog.to_regclass(u.name)::pg_catalog.oid) c(oid)
cross join lateral (
  select 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid from pg_catalog.pg_constraint k
  where k.conrelid operator(pg_catalog.=) c.oid and k.contype operator(pg_catalog.=) 'c'
  union all
  select 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid from pg_catalog.pg_constraint k
  join pg_catalog.pg_attribute a on a.atttypid operator(pg_catalog.=) k.contypid
  where a.attrelid operator(pg_catalog.=) c.oid and a.attnum operator(pg_catalog.>) 0
  union all
  select 'pg_catalog.pg_attrdef'::pg_catalog.regclass, f.oid
  from (values (''::pg_catalog."char")) older(attgenerated)
  cross join pg_catalog.pg_attribute a
  join pg_catalog.pg_attrdef f on f.adrelid operator(pg_catalog.=) a.attrelid and f.adnum operator(pg_catalog.=) a.attnum
  where a.attrelid operator(pg_catalog.=) c.oid and (select attgenerated from (select a.*) x) operator(pg_catalog.<>) ''
  union all
  select 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid from pg_catalog.pg_index i
  where i.indrelid operator(pg_catalog.=) c.oid
) o(class, oid)
join pg_catalog.pg_depend d on d.classid operator(pg_catalog.=) o.class and d.objid operator(pg_catalog.=) o.oid
  and d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
join pg_catalog.pg_proc p on p.oid operator(pg_catalog.=) d.refobjid
where not pg_catalog.has_function_privilege(p.oid, 'execute')
group by u.n
