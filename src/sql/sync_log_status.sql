-- What the log says of each table, one row a table: `schema, table, whether the table is there, now, the last 20 runs,
-- sync_type and error of the last, proven_since, end of the last success, runs since`. The two before the end are for
-- a table of whose last 20 runs none was a success. It walks the index on (schema_name, table_name, id): a few entries
-- a table, however long the log is. What an older log lacks is NULL.
with recursive t as (
  (select l.schema_name, l.table_name from $log l order by l.schema_name, l.table_name limit 1)
  union all
  select n.schema_name, n.table_name from t cross join lateral (
    select l.schema_name, l.table_name from $log l
    where row(l.schema_name, l.table_name) operator(pg_catalog.>) row(t.schema_name, t.table_name)
    order by l.schema_name, l.table_name limit 1) n
)
select t.schema_name, t.table_name,
  pg_catalog.to_regclass(pg_catalog.format('%I.%I', t.schema_name, t.table_name)) is not null,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()),
  r.runs, e.sync_type, e.error_message, e.proven_since,
  pg_catalog.date_part('epoch', s.end_time), s.newer
from t
cross join lateral (
  -- Status, seconds, end, inserted, updated, deleted and watermark of each, the latest first.
  select pg_catalog.string_agg(pg_catalog.concat_ws(' ', l.status,
      coalesce(pg_catalog.date_part('epoch', l.end_time operator(pg_catalog.-) l.start_time), -1),
      coalesce(pg_catalog.date_part('epoch', l.end_time), 0),
      l.rows_inserted, l.rows_updated, l.rows_deleted,
      coalesce(pg_catalog.date_part('epoch', l.watermark)::pg_catalog.text, '-')), ',' order by l.id desc) as runs,
    pg_catalog.bool_or(l.status operator(pg_catalog.=) 'success') as has_success
  from (select l.id, l.status, l.start_time, l.end_time, l.rows_inserted, l.rows_updated, l.rows_deleted, l.watermark
    from $log l where l.schema_name operator(pg_catalog.=) t.schema_name and l.table_name operator(pg_catalog.=) t.table_name
      and coalesce(l.sync_type, '') operator(pg_catalog.<>) all (array['create', 'repair'])
    order by l.id desc limit 20) l) r
left join lateral (
  select l.sync_type, l.error_message, pg_catalog.to_json(l) operator(pg_catalog.->>) 'proven_since' as proven_since
  from $log l where l.schema_name operator(pg_catalog.=) t.schema_name and l.table_name operator(pg_catalog.=) t.table_name
    and coalesce(l.sync_type, '') operator(pg_catalog.<>) all (array['create', 'repair'])
  order by l.id desc limit 1) e on true
left join lateral (
  -- Ten thousand failures are as good as all.
  select l.end_time, l.newer from (
    select l.end_time, l.status, l.id, pg_catalog.row_number() over (order by l.id desc) operator(pg_catalog.-) 1 as newer
    from (select l.end_time, l.status, l.id from $log l
      where l.schema_name operator(pg_catalog.=) t.schema_name and l.table_name operator(pg_catalog.=) t.table_name
        and coalesce(l.sync_type, '') operator(pg_catalog.<>) all (array['create', 'repair'])
        and not r.has_success
      order by l.id desc limit 10000) l) l
  where l.status operator(pg_catalog.=) 'success' order by l.id desc limit 1) s on true
where r.runs is not null
