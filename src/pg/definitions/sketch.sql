-- Two short texts that are equal on both sides when there is nothing to make: of what comes before
-- rows, and of what follows them. They are told apart cheaply; what differs is then read whole.
with homes as (
  select n.oid, s.place from pg_catalog.unnest($schemas::pg_catalog.name[]) with ordinality as s(name, place)
  join pg_catalog.pg_namespace n on n.nspname operator(pg_catalog.=) s.name
), relations as (
  select c.oid, h.place, c.relname, c.relispartition from pg_catalog.pg_class c join homes h on h.oid operator(pg_catalog.=) c.relnamespace
  where c.relkind operator(pg_catalog.=) any (array['r', 'p']::pg_catalog."char"[])
    and c.relpersistence operator(pg_catalog.<>) 't' and c.relname operator(pg_catalog.<>) $log::pg_catalog.name
), firsts as (
  -- With the types that can grow in place.
  select pg_catalog.concat_ws(' ', r.place, r.relname, r.relispartition, a.attname, t.typname, case when t.oid is not null then a.atttypmod end) as line
  from relations r left join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) r.oid
    and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
  left join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) a.atttypid and t.typname operator(pg_catalog.=) any
    (array['varchar', 'text', 'varbit', 'numeric', 'timestamp', 'timestamptz', 'time', 'timetz', 'cidr', 'inet']::pg_catalog.name[])
  union all
  select pg_catalog.concat_ws(' ', t.typname, e.enumlabel)
  from pg_catalog.pg_enum e join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) e.enumtypid
  union all
  -- Partitions may lie in other schemas.
  select pg_catalog.concat_ws(' ', r.place, r.relname, pg_catalog.count(*))
  from relations r join pg_catalog.pg_inherits i on i.inhparent operator(pg_catalog.=) r.oid
  group by r.place, r.relname
), others as (
  select pg_catalog.concat_ws(' ', r.place, r.relname, a.attname, a.attnotnull, a.attidentity) as line
  from relations r join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) r.oid
    and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, c.relname)
  from relations r join pg_catalog.pg_index i on i.indrelid operator(pg_catalog.=) r.oid
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) i.indexrelid
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, k.conname, k.contype, k.convalidated)
  from relations r join pg_catalog.pg_constraint k on k.conrelid operator(pg_catalog.=) r.oid
  where k.contype operator(pg_catalog.=) any (array['p', 'u', 'x', 'c', 'f']::pg_catalog."char"[])
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, e.stxname)
  from relations r join pg_catalog.pg_statistic_ext e on e.stxrelid operator(pg_catalog.=) r.oid
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, c.relname, 'attached')
  from relations r join pg_catalog.pg_index i on i.indrelid operator(pg_catalog.=) r.oid
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) i.indexrelid
  join pg_catalog.pg_inherits h on h.inhrelid operator(pg_catalog.=) i.indexrelid
)
select
  (select pg_catalog.md5(pg_catalog.string_agg(line, ',' order by line collate "C")) from firsts),
  (select pg_catalog.md5(pg_catalog.string_agg(line, ',' order by line collate "C")) from others)
