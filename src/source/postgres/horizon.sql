-- The moment before which every transaction of this database has begun that is still open, as far as this
-- role can see; and why it cannot see all. Asked on its own, before the snapshot is taken and before the
-- prepared transactions: a transaction can commit between the snapshot and a later look, and one that is
-- being prepared has to be seen by one of the two looks.
--
-- What a transaction writes as its time is now(), its own start, or statement_timestamp(), which in a
-- procedure that commits stays that of its CALL, before the start of the transaction that is open: so the
-- start of a statement under way counts as well. Of background workers it counts while a transaction is
-- open, for not each of them says when it is idle.
--
-- A walsender runs ordinary statements where its client asks for them (replication=database), and never
-- shows when a transaction of it began. While it streams it cannot have one.
--
-- On a standby all of this happens on its primary, and nothing tells of it: what counts is how far it has
-- replayed. It lags where that was long ago, unless its primary is connected and had nothing more to send.
select
  pg_catalog.to_char(case when s.standby then coalesce(s.replayed, s.now) else least(s.now, a.start) end,
    'YYYY-MM-DD HH24:MI:SS.US') as horizon,
  pg_catalog.to_char(s.now, 'YYYY-MM-DD HH24:MI:SS.US') as now,
  case when s.standby then 'standby' when a.hidden then 'hidden' end as unknown,
  not s.standby and exists (
    select from pg_catalog.pg_stat_activity w
    left join pg_catalog.pg_stat_get_wal_senders() r on r.pid operator(pg_catalog.=) w.pid
    where w.datname operator(pg_catalog.=) pg_catalog.current_database()
      and w.backend_type operator(pg_catalog.=) 'walsender'
      and coalesce(w.state, '') operator(pg_catalog.<>) 'idle'
      and coalesce(r.state, '') operator(pg_catalog.<>) all (array['catchup', 'streaming', 'backup'])) as walsender,
  case when s.standby and (
      pg_catalog.pg_last_wal_receive_lsn() is null
      or pg_catalog.pg_last_wal_receive_lsn() operator(pg_catalog.<>) pg_catalog.pg_last_wal_replay_lsn()
      or not exists (select from pg_catalog.pg_stat_get_wal_receiver() v where v.pid is not null))
    then pg_catalog.floor(pg_catalog.date_part('epoch', s.now operator(pg_catalog.-) s.replayed)) end as lag
from (
  -- Not clock_timestamp(): what begins after the look has to be later than this.
  select pg_catalog.pg_is_in_recovery() as standby, pg_catalog.statement_timestamp() as now,
    pg_catalog.pg_last_xact_replay_timestamp() as replayed
  offset 0) s
cross join (
  select
    pg_catalog.min(least(a.xact_start, case
      when a.state operator(pg_catalog.<>) 'idle'
        and (a.xact_start is not null or a.backend_type operator(pg_catalog.=) 'client backend')
      then a.query_start end)) as start,
    coalesce(pg_catalog.bool_or(a.state is null or a.state operator(pg_catalog.=) 'disabled'), false) as hidden
  from pg_catalog.pg_stat_activity a
  where a.datname operator(pg_catalog.=) pg_catalog.current_database()
    and a.pid operator(pg_catalog.<>) pg_catalog.pg_backend_pid()
    -- NULL for a session of which this role may see nothing. Left out are workers that never write rows with
    -- a time of their own.
    and coalesce(a.backend_type, '') operator(pg_catalog.<>) all
      (array['autovacuum worker', 'walsender', 'parallel worker', 'logical replication launcher'])
) a
