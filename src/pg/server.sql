-- Who this server is. $system names its data, as far as this role may know. The timeline of a standby
-- is that of its last checkpoint; a primary knows its own at once, also right after a promotion.
select pg_catalog.json_build_object(
  'version', pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
  'system', $system,
  'database', pg_catalog.current_database(),
  'database_oid', (
    select d.oid::pg_catalog.int8 from pg_catalog.pg_database d
    where d.datname operator(pg_catalog.=) pg_catalog.current_database()),
  'timeline', case when pg_catalog.pg_is_in_recovery()
    then $timeline
    else pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8) end,
  'standby', pg_catalog.pg_is_in_recovery(),
  'read_only', pg_catalog.current_setting('transaction_read_only') operator(pg_catalog.=) 'on',
  'encoding', pg_catalog.current_setting('server_encoding'),
  'replica_role', pg_catalog.current_setting('session_replication_role') operator(pg_catalog.=) 'replica',
  'temporary', pg_catalog.has_database_privilege(pg_catalog.current_database(), 'temporary'),
  'role', current_user,
  'superuser', (
    select r.rolsuper from pg_catalog.pg_roles r where r.rolname operator(pg_catalog.=) current_user),
  'schemas', (
    select pg_catalog.json_agg(n.nspname order by n.nspname) from pg_catalog.pg_namespace n
    where n.nspname operator(pg_catalog.!~) '^pg_' and n.nspname operator(pg_catalog.<>) 'information_schema')
)
