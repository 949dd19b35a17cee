-- The moment before which every transaction of this database has ended, as far as this role can
-- see; and whether it can see. Run on its own, before the snapshot is taken: a transaction can
-- commit between the snapshot and a later look. Left out are workers that never write rows with
-- a time of their own, and this session.
select
  pg_catalog.to_char(least(pg_catalog.clock_timestamp(), pg_catalog.min(a.xact_start)),
    'YYYY-MM-DD HH24:MI:SS.US') as horizon,
  pg_catalog.to_char(pg_catalog.clock_timestamp(), 'YYYY-MM-DD HH24:MI:SS.US') as now,
  case
    when pg_catalog.pg_is_in_recovery() then 'the source is a standby'
    when exists (
      select from pg_catalog.pg_prepared_xacts p
      where p.database operator(pg_catalog.=) pg_catalog.current_database()) then 'the source has prepared transactions pending'
    when coalesce(pg_catalog.bool_or(a.state is null or a.state operator(pg_catalog.=) 'disabled'), false)
      then 'the source role cannot see when other sessions began their transactions (grant pg_read_all_stats to it)'
  end as unknown
from pg_catalog.pg_stat_activity a
where a.datname operator(pg_catalog.=) pg_catalog.current_database()
  and a.pid operator(pg_catalog.<>) pg_catalog.pg_backend_pid()
  -- NULL for a session of which this role may see nothing.
  and coalesce(a.backend_type, '') operator(pg_catalog.<>) all
    (array['autovacuum worker', 'walsender', 'parallel worker', 'logical replication launcher'])
