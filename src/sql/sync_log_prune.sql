-- Deletes rows of the log that began before $before; gives their number. What runs go by stays: rows that say who
-- made a table, rows of runs that are going on, and of each table the last row, the last of a run that was at work on
-- it, the last with a watermark, the last success, and the last success for the fingerprint of that last run.
with recursive $walk, k as (
  select w.schema_name, w.table_name, array[
    (select l.id from $log l where $of_table and $run order by $order limit 1),
    m.id,
    (select l.id from $log l where $of_table and $run
      and l.watermark is not null order by $order limit 1),
    (select l.id from $log l where $of_table and $run
      and l.status operator(pg_catalog.=) 'success' order by $order limit 1),
    (select l.id from $log l where $of_table and $run
      and l.status operator(pg_catalog.=) 'success' and l.fingerprint operator(pg_catalog.=) m.fingerprint
      order by $order limit 1)] as ids
  from w left join lateral (
    select l.id, l.fingerprint from $log l where $of_table and $run
      and l.status operator(pg_catalog.<>) 'skipped' order by $order limit 1) m on true
  -- Worked out once a table, not once a row.
  offset 0
), gone as (
  delete from $log l using k
  where l.schema_name operator(pg_catalog.=) k.schema_name and l.table_name operator(pg_catalog.=) k.table_name
    and l.start_time operator(pg_catalog.<) $before
    and coalesce(l.sync_type operator(pg_catalog.<>) 'create', true) and l.status operator(pg_catalog.<>) 'running'
    and l.id operator(pg_catalog.<>) all (pg_catalog.array_remove(k.ids, null))
  returning 1
)
select pg_catalog.count(*) from gone
