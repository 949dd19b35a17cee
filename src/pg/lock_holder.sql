-- Who has had a lock of the table $table for longest: process, role, and since when, if the role may see that.
-- Sessions of pgsync itself count only if nobody else has one, and readers if nobody else has a stronger lock.
select $fields
from pg_catalog.pg_locks l
join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) l.database
left join pg_catalog.pg_stat_activity a on a.pid operator(pg_catalog.=) l.pid
left join pg_catalog.pg_prepared_xacts p on l.pid is null
  and l.virtualtransaction operator(pg_catalog.=) pg_catalog.concat('-1/', p.transaction)
where l.relation operator(pg_catalog.=) pg_catalog.to_regclass($table) and l.granted
  and d.datname operator(pg_catalog.=) pg_catalog.current_database()
  and l.pid is distinct from pg_catalog.pg_backend_pid()
order by a.application_name operator(pg_catalog.=) pg_catalog.current_setting('application_name') nulls first,
  l.mode operator(pg_catalog.=) 'AccessShareLock', coalesce(a.xact_start, p.prepared)
limit 1
