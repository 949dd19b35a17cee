-- Who has had a lock of the table $table for longest, in words: process and role, and since when, if the role may see that.
-- Sessions of pgsync itself count only if nobody else has one.
select pg_catalog.concat(
  case when l.pid is null then 'a prepared transaction' else pg_catalog.concat('process ', l.pid) end,
  ' of role ' operator(pg_catalog.||) a.usename::pg_catalog.text,
  ' (' operator(pg_catalog.||) nullif(a.application_name, '') operator(pg_catalog.||) ')',
  ' has a lock of it',
  pg_catalog.to_char(pg_catalog.timezone('UTC', a.xact_start), '" since "YYYY-MM-DD HH24:MI:SS" UTC"'))
from pg_catalog.pg_locks l
join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) l.database
left join pg_catalog.pg_stat_activity a on a.pid operator(pg_catalog.=) l.pid
where l.relation operator(pg_catalog.=) pg_catalog.to_regclass($table) and l.granted
  and d.datname operator(pg_catalog.=) pg_catalog.current_database()
  and l.pid is distinct from pg_catalog.pg_backend_pid()
order by a.application_name operator(pg_catalog.=) pg_catalog.current_setting('application_name') nulls first, a.xact_start
limit 1
