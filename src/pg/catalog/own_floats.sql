-- Of catalog.sql. The same where `t` comes with the server, and is made of nothing but what does.
case when t.typname operator(pg_catalog.=) any (array['float4', 'float8', 'point', 'line', 'lseg', 'box', 'path',
  'polygon', 'circle', '_float4', '_float8', '_point', '_line', '_lseg', '_box', '_path', '_polygon',
  '_circle']::pg_catalog.name[])
then (
  select p.proname from pg_catalog.pg_proc p where p.oid operator(pg_catalog.=) t.typsend::pg_catalog.oid) end
