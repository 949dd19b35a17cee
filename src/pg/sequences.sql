-- Where the sequences stand that columns of the tables of $schemas own or draw from by default, and all of $schemas;
-- those from which no column of any table does so are `free`. One JSON object a row. Of free ones that the role may not
-- read (`hidden`) only the name. Not for a transaction that lasts: to read a sequence takes a lock of it until the
-- transaction ends, and TRUNCATE ... RESTART IDENTITY, which holds its table, would wait for that. One
-- that somebody holds right now is left out, for the same reason the other way round.
with used(oid) as (
  select d.objid from pg_catalog.pg_depend d
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) d.refobjid
  join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
  where d.classid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
    and d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
    and d.deptype operator(pg_catalog.=) any (array['a', 'i']::pg_catalog."char"[])
    and n.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[])
  union
  select d.refobjid from pg_catalog.pg_attrdef f
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) f.adrelid
  join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
  join pg_catalog.pg_depend d on d.classid operator(pg_catalog.=) 'pg_catalog.pg_attrdef'::pg_catalog.regclass
    and d.objid operator(pg_catalog.=) f.oid and d.deptype operator(pg_catalog.=) 'n'
    and d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
  where n.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[])
  union
  -- Of tables elsewhere: a function may draw from it, too.
  select sc.oid from pg_catalog.pg_class sc
  join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) sc.relnamespace
  join pg_catalog.pg_depend d on d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
    and d.refobjid operator(pg_catalog.=) sc.oid
    and d.classid operator(pg_catalog.=) 'pg_catalog.pg_attrdef'::pg_catalog.regclass
  where sc.relkind operator(pg_catalog.=) 'S' and sc.relpersistence operator(pg_catalog.<>) 't'
    and n.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[])
), alone(oid) as (
  select sc.oid from pg_catalog.pg_class sc
  join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) sc.relnamespace
  where sc.relkind operator(pg_catalog.=) 'S' and sc.relpersistence operator(pg_catalog.<>) 't'
    and n.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[])
    -- Neither owned by a column nor a part of an extension.
    and not exists (
      select from pg_catalog.pg_depend d
      where d.classid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.objid operator(pg_catalog.=) sc.oid
        and d.deptype operator(pg_catalog.=) any (array['a', 'i', 'e']::pg_catalog."char"[]))
    and not exists (
      select from pg_catalog.pg_depend d
      where d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.refobjid operator(pg_catalog.=) sc.oid
        and d.classid operator(pg_catalog.=) 'pg_catalog.pg_attrdef'::pg_catalog.regclass)
), readable(oid, schema, name, free) as (
  select sc.oid, n.nspname, sc.relname, one.free from (
    select used.oid, false from used union all select alone.oid, true from alone) one(oid, free)
  join pg_catalog.pg_class sc on sc.oid operator(pg_catalog.=) one.oid
  join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) sc.relnamespace
  -- Not two conditions, whose order would be the planner's.
  where case when sc.relkind operator(pg_catalog.=) 'S' then pg_catalog.has_sequence_privilege(sc.oid, 'select') end
    and pg_catalog.has_schema_privilege(n.oid, 'usage')
    -- A standby cannot read what is not logged.
    and (sc.relpersistence operator(pg_catalog.=) 'p' or not pg_catalog.pg_is_in_recovery())
    and sc.oid operator(pg_catalog.<>) all (array(
      select l.relation from pg_catalog.pg_locks l
      join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) l.database
      where d.datname operator(pg_catalog.=) pg_catalog.current_database() and l.relation is not null
        and l.mode operator(pg_catalog.=) any (array['ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'])))
  offset 0
)
select pg_catalog.json_build_object('schema', f.schema, 'name', f.name, 'free', f.free,
  'last', coalesce(pg_catalog.pg_sequence_last_value(f.oid), (
    -- One that has given no number since RESTART stands before the number that comes next: as if it had given
    -- the one before. Only a query can read that, and its name is known here only.
    select (r.next operator(pg_catalog.-) p.seqincrement::pg_catalog.numeric)::pg_catalog.int8
    from pg_catalog.pg_sequence p cross join lateral (
      select pg_catalog.substring(pg_catalog.query_to_xml(pg_catalog.format('select last_value from %I.%I', f.schema, f.name),
        false, false, '')::pg_catalog.text, '<last_value>(-?[0-9]+)<')::pg_catalog.numeric) r(next)
    where p.seqrelid operator(pg_catalog.=) f.oid
      and r.next operator(pg_catalog.<>) p.seqstart::pg_catalog.numeric
      and r.next operator(pg_catalog.-) p.seqincrement::pg_catalog.numeric operator(pg_catalog.>=) p.seqmin::pg_catalog.numeric
      and r.next operator(pg_catalog.-) p.seqincrement::pg_catalog.numeric operator(pg_catalog.<=) p.seqmax::pg_catalog.numeric)))
from readable f
union all
select pg_catalog.json_build_object('schema', n.nspname, 'name', sc.relname, 'free', true, 'hidden', true)
from alone
join pg_catalog.pg_class sc on sc.oid operator(pg_catalog.=) alone.oid
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) sc.relnamespace
where case when sc.relkind operator(pg_catalog.=) 'S' then not pg_catalog.has_sequence_privilege(sc.oid, 'select') end
