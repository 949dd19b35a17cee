-- The schemas of users in which this role may read a table, one JSON string a row; tables of extensions do not count.
select pg_catalog.to_json(n.nspname)
from pg_catalog.pg_namespace n
where n.nspname operator(pg_catalog.!~) '^(pg_|pgsync_reset_)' and n.nspname operator(pg_catalog.<>) 'information_schema'
  and pg_catalog.has_schema_privilege(n.oid, 'usage')
  and exists (
    select from pg_catalog.pg_class c
    where c.relnamespace operator(pg_catalog.=) n.oid
      and c.relkind operator(pg_catalog.=) any (array['r', 'p']::pg_catalog."char"[])
      and c.relpersistence operator(pg_catalog.<>) 't'
      and pg_catalog.has_table_privilege(c.oid, 'select')
      and not exists (
        select from pg_catalog.pg_depend d
        where d.classid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
          and d.objid operator(pg_catalog.=) c.oid and d.deptype operator(pg_catalog.=) 'e'))
order by n.nspname
