-- The tables of $schemas that other sessions hold, or are about to hold, in ACCESS EXCLUSIVE mode,
-- themselves or in one of their partitions, and who. Waits for nobody.
with recursive scope(oid, root) as (
  select c.oid, c.oid from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
  where n.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[])
    and c.relkind operator(pg_catalog.=) any (array['r', 'p']::pg_catalog."char"[]) and not c.relispartition
  union all
  select i.inhrelid, s.root from scope s
  join pg_catalog.pg_inherits i on i.inhparent operator(pg_catalog.=) s.oid
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) i.inhrelid and c.relispartition
), locks as (
  select s.root, l.pid, l.virtualtransaction, l.granted from scope s
  join pg_catalog.pg_locks l on l.relation operator(pg_catalog.=) s.oid
  join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) l.database
  where l.mode operator(pg_catalog.=) 'AccessExclusiveLock' and d.datname operator(pg_catalog.=) pg_catalog.current_database()
    and (l.pid is null or l.pid operator(pg_catalog.<>) pg_catalog.pg_backend_pid())
)
select pg_catalog.json_build_object('oid', c.oid::pg_catalog.int8, 'schema', n.nspname, 'name', c.relname, 'holder', (
  select $fields from locks l
  left join pg_catalog.pg_stat_activity a on a.pid operator(pg_catalog.=) l.pid
  left join pg_catalog.pg_prepared_xacts p on l.pid is null
    and l.virtualtransaction operator(pg_catalog.=) pg_catalog.concat('-1/', p.transaction)
  where l.root operator(pg_catalog.=) c.oid
  order by l.granted desc, coalesce(a.xact_start, p.prepared)
  limit 1))
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
where c.oid operator(pg_catalog.=) any (select l.root from locks l)
