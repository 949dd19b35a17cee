-- What the log says of each table, one row a table: `schema, table, whether the table is there, now, the last 20 runs,
-- sync_type and error of the last, proven_since, end of the last success, runs since, whether it is a partition, its
-- oid`. The end
-- and the runs since are for a table of whose last 20 runs none was a success. It walks the index on (schema_name, table_name, id): a few entries
-- a table, however long the log is. What an older log lacks is NULL.
with recursive $walk
select w.schema_name, w.table_name,
  c.oid is not null,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()),
  r.runs, e.sync_type, e.error_message, e.proven_since,
  pg_catalog.date_part('epoch', s.end_time), s.newer, coalesce(c.relispartition, false), c.oid
from w
left join pg_catalog.pg_class c
  on c.oid operator(pg_catalog.=) $oid
cross join lateral (
  -- Status, seconds, end, inserted, updated, deleted and watermark of each, the latest first, as they come: to sort
  -- them again takes longer. Where there is no watermark, nothing is written.
  select pg_catalog.string_agg(pg_catalog.concat_ws(' ', l.status,
      coalesce(pg_catalog.date_part('epoch', l.end_time operator(pg_catalog.-) l.start_time), -1),
      coalesce(pg_catalog.date_part('epoch', l.end_time), 0),
      l.rows_inserted, l.rows_updated, l.rows_deleted, pg_catalog.date_part('epoch', l.watermark)), ',') as runs,
    pg_catalog.bool_or(l.status operator(pg_catalog.=) 'success') as has_success, pg_catalog.max(l.id) as last
  from (select l.id, l.status, l.start_time, l.end_time, l.rows_inserted, l.rows_updated, l.rows_deleted, l.watermark
    from $log l where $of_table and $run
    order by $order limit 20) l) r
-- The name that a log without this column finds.
cross join (select null::pg_catalog.timestamptz as proven_since) older
left join lateral (
  select l.sync_type, l.error_message, pg_catalog.to_json(proven_since) operator(pg_catalog.#>>) '{}' as proven_since
  from $log l where $of_table and l.id operator(pg_catalog.=) r.last) e on true
left join lateral (
  -- Ten thousand failures are as good as all.
  select l.end_time, l.newer from (
    select l.end_time, l.status, pg_catalog.row_number() over (order by $order) operator(pg_catalog.-) 1 as newer
    from (select l.end_time, l.status, l.id, l.table_name from $log l
      where $of_table and $run
        and not r.has_success
      order by $order limit 10000) l) l
  where l.status operator(pg_catalog.=) 'success' order by l.newer limit 1) s on true
where r.runs is not null
