-- The tables of $schemas that other sessions hold, or are about to hold, in ACCESS EXCLUSIVE mode,
-- themselves or in one of their partitions. Waits for nobody.
with recursive scope(oid, root) as (
  select c.oid, c.oid from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
  where n.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[])
    and c.relkind operator(pg_catalog.=) any (array['r', 'p']::pg_catalog."char"[]) and not c.relispartition
  union all
  select i.inhrelid, s.root from scope s
  join pg_catalog.pg_inherits i on i.inhparent operator(pg_catalog.=) s.oid
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) i.inhrelid and c.relispartition
)
select pg_catalog.json_build_object('oid', c.oid::pg_catalog.int8, 'schema', n.nspname, 'name', c.relname, 'pid', (
  select pg_catalog.min(l.pid) from scope s
  join pg_catalog.pg_locks l on l.relation operator(pg_catalog.=) s.oid
  join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) l.database
  where s.root operator(pg_catalog.=) c.oid and l.mode operator(pg_catalog.=) 'AccessExclusiveLock'
    and d.datname operator(pg_catalog.=) pg_catalog.current_database()))
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
where c.oid operator(pg_catalog.=) any (
  select s.root from scope s
  join pg_catalog.pg_locks l on l.relation operator(pg_catalog.=) s.oid
  join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) l.database
  where l.mode operator(pg_catalog.=) 'AccessExclusiveLock' and d.datname operator(pg_catalog.=) pg_catalog.current_database()
    and (l.pid is null or l.pid operator(pg_catalog.<>) pg_catalog.pg_backend_pid()))
