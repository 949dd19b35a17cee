-- The tables that are logs of pgsync, and whether this role may read them whole, one JSON object a row.
select pg_catalog.json_build_object('schema', n.nspname, 'name', c.relname, 'is_readable',
  pg_catalog.has_schema_privilege(n.oid, 'usage')
  and pg_catalog.has_table_privilege(c.oid, 'select')
  and not pg_catalog.row_security_active(c.oid))
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
where c.oid operator(pg_catalog.=) any (array(
    select a.attrelid from pg_catalog.pg_attribute a where a.attname operator(pg_catalog.=) 'sync_type'))
  and c.relkind operator(pg_catalog.=) any (array['r', 'p']::pg_catalog."char"[])
  and c.relpersistence operator(pg_catalog.<>) 't'
  and (
    select pg_catalog.count(*) from pg_catalog.pg_attribute a
    where a.attrelid operator(pg_catalog.=) c.oid and not a.attisdropped
      and (a.attname operator(pg_catalog.=) any (array['source', 'schema_name', 'table_name', 'sync_type', 'status', 'fingerprint']::pg_catalog.name[])
          and a.atttypid operator(pg_catalog.=) 'pg_catalog.text'::pg_catalog.regtype
        or a.attname operator(pg_catalog.=) 'id' and a.atttypid operator(pg_catalog.=) 'pg_catalog.int8'::pg_catalog.regtype
        or a.attname operator(pg_catalog.=) 'start_time'
          and a.atttypid operator(pg_catalog.=) 'pg_catalog.timestamptz'::pg_catalog.regtype)
  ) operator(pg_catalog.=) 8
order by n.nspname, c.relname
