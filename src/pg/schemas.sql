-- The schemas of users, one JSON string a row: without those that come with the server or with an extension,
-- and those in which a run rebuilds tables.
select pg_catalog.to_json(n.nspname)
from pg_catalog.pg_namespace n
where n.nspname operator(pg_catalog.!~) '^(pg_|pgsync_reset_)' and n.nspname operator(pg_catalog.<>) 'information_schema'
  and not exists (
    select from pg_catalog.pg_depend d
    where d.classid operator(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
      and d.objid operator(pg_catalog.=) n.oid and d.deptype operator(pg_catalog.=) 'e')
order by n.nspname
