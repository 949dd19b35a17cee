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
  'lz4', exists (
    select from pg_catalog.pg_settings s
    where s.name operator(pg_catalog.=) 'default_toast_compression' and 'lz4' operator(pg_catalog.=) any (s.enumvals)),
  'temporary', pg_catalog.has_database_privilege(pg_catalog.current_database(), 'temporary'),
  'role', current_user,
  'superuser', (
    select r.rolsuper from pg_catalog.pg_roles r where r.rolname operator(pg_catalog.=) current_user),
  'path', pg_catalog.array_to_json(pg_catalog.current_schemas(false)),
  'prints_names', types.print_names,
  'user_types', types.of_users,
  'schemas', (
    select pg_catalog.json_agg(n.nspname order by n.nspname) from pg_catalog.pg_namespace n
    where n.nspname operator(pg_catalog.!~) '^pg_' and n.nspname operator(pg_catalog.<>) 'information_schema')
)
-- Whether tables have columns of types that print names of relations, types or functions, and of types that
-- users define, which may be made of such.
from (
  select
    coalesce(pg_catalog.bool_or(a.atttypid operator(pg_catalog.<) 16384::pg_catalog.oid), false) as print_names,
    coalesce(pg_catalog.bool_or(a.atttypid operator(pg_catalog.>=) 16384::pg_catalog.oid), false) as of_users
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) a.attrelid
  join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
  where (a.atttypid operator(pg_catalog.>=) 16384::pg_catalog.oid or a.atttypid operator(pg_catalog.=) any (array(
      select t.oid from pg_catalog.pg_type t
      where t.typnamespace operator(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace
        and t.typname operator(pg_catalog.=) any (array['regclass', 'regtype', 'regproc', 'regprocedure', 'regoper',
          'regoperator', 'regconfig', 'regdictionary', 'regcollation', '_regclass', '_regtype', '_regproc',
          '_regprocedure', '_regoper', '_regoperator', '_regconfig', '_regdictionary', '_regcollation']::pg_catalog.name[]))))
    and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
    and c.relkind operator(pg_catalog.=) any (array['r', 'p']::pg_catalog."char"[])
    and n.nspname operator(pg_catalog.!~) '^pg_' and n.nspname operator(pg_catalog.<>) 'information_schema'
) types
