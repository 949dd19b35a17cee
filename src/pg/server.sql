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
  'path', pg_catalog.array_to_json(pg_catalog.current_schemas(false)),
  -- Whether a table has a column in which names of relations, types or functions are printed.
  'prints_names', exists (
    with recursive parts(whole, part) as (
      select t.oid, t.typelem from pg_catalog.pg_type t where t.typelem operator(pg_catalog.<>) 0
      union all
      select t.oid, t.typbasetype from pg_catalog.pg_type t where t.typbasetype operator(pg_catalog.<>) 0
      union all
      select r.rngtypid, r.rngsubtype from pg_catalog.pg_range r
      union all
      select c.reltype, a.atttypid from pg_catalog.pg_class c
      join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) c.oid and a.attnum operator(pg_catalog.>) 0
      where c.relkind operator(pg_catalog.=) 'c'
    ), names(oid) as (
      select t.oid from pg_catalog.pg_type t
      where t.typnamespace operator(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace
        and t.typname operator(pg_catalog.=) any (array['regclass', 'regtype', 'regproc', 'regprocedure', 'regoper',
          'regoperator', 'regconfig', 'regdictionary', 'regcollation']::pg_catalog.name[])
      union
      select p.whole from names join parts p on p.part operator(pg_catalog.=) names.oid
    )
    select from pg_catalog.pg_attribute a
    join names on names.oid operator(pg_catalog.=) a.atttypid
    join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) a.attrelid
    join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
    where a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
      and c.relkind operator(pg_catalog.=) any (array['r', 'p']::pg_catalog."char"[])
      and n.nspname operator(pg_catalog.!~) '^pg_' and n.nspname operator(pg_catalog.<>) 'information_schema'),
  'schemas', (
    select pg_catalog.json_agg(n.nspname order by n.nspname) from pg_catalog.pg_namespace n
    where n.nspname operator(pg_catalog.!~) '^pg_' and n.nspname operator(pg_catalog.<>) 'information_schema')
)
