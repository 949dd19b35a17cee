-- The tables with a column in which names of relations, types or functions are printed, whatever its type is
-- made of: `schema, table`.
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
select n.nspname, c.relname from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
where c.relkind operator(pg_catalog.=) any (array['r', 'p']::pg_catalog."char"[])
  and n.nspname operator(pg_catalog.!~) '^pg_' and n.nspname operator(pg_catalog.<>) 'information_schema'
  and exists (
    select from pg_catalog.pg_attribute a join names on names.oid operator(pg_catalog.=) a.atttypid
    where a.attrelid operator(pg_catalog.=) c.oid and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
  )
