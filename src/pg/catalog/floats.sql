-- Of catalog.sql. The function that gives the bytes of a type whose text shows floating point numbers, whatever
-- type `t` is made of.
case when t.typtype operator(pg_catalog.<>) 'b' or t.typelem operator(pg_catalog.<>) 0
  or t.typname operator(pg_catalog.=) any (array['float4', 'float8', 'path', 'polygon', 'circle']::pg_catalog.name[])
then (
  with recursive inside(oid) as (
    select t.oid where true
    union
    select part.oid from inside
    join pg_catalog.pg_type it on it.oid operator(pg_catalog.=) inside.oid
    cross join lateral (
      select it.typelem union all select it.typbasetype union all
      select r.rngsubtype from pg_catalog.pg_range r where r.rngtypid operator(pg_catalog.=) it.oid union all
      select x.atttypid from pg_catalog.pg_attribute x
      where x.attrelid operator(pg_catalog.=) it.typrelid and not x.attisdropped) part(oid)
  )
  select p.proname from pg_catalog.pg_proc p
  where p.oid operator(pg_catalog.=) t.typsend::pg_catalog.oid and exists (
    select from inside join pg_catalog.pg_type it on it.oid operator(pg_catalog.=) inside.oid
    where it.typnamespace operator(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace
      and it.typname operator(pg_catalog.=)
        any (array['float4', 'float8', 'path', 'polygon', 'circle']::pg_catalog.name[]))
) end
