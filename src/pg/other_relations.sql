-- What somebody may take for a table of the selected schemas, because $names has its name, with what it is:
-- views and the like, and tables of schemas that are not among $schemas.
select pg_catalog.json_build_object(
  'schema', n.nspname,
  'name', c.relname,
  'kind', case
    when x.extname is not null then 'a table of the extension ' operator(pg_catalog.||) x.extname
    when c.relkind operator(pg_catalog.=) 'v' then 'a view'
    when c.relkind operator(pg_catalog.=) 'm' then 'a materialized view'
    when c.relkind operator(pg_catalog.=) 'f' then 'a foreign table'
    when c.relkind operator(pg_catalog.=) 'S' then 'a sequence'
    when c.relkind operator(pg_catalog.=) any (array['i', 'I']::pg_catalog."char"[]) then 'an index'
    when c.relkind operator(pg_catalog.=) 'c' then 'a composite type' end)
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
left join pg_catalog.pg_depend d on d.classid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
  and d.objid operator(pg_catalog.=) c.oid and d.objsubid operator(pg_catalog.=) 0 and d.deptype operator(pg_catalog.=) 'e'
left join pg_catalog.pg_extension x on x.oid operator(pg_catalog.=) d.refobjid
where (c.relname::pg_catalog.text operator(pg_catalog.=) any ($names::pg_catalog.text[])
    or (n.nspname operator(pg_catalog.||) '.' operator(pg_catalog.||) c.relname)
      operator(pg_catalog.=) any ($names::pg_catalog.text[]))
  and c.relpersistence operator(pg_catalog.<>) 't'
  and n.nspname operator(pg_catalog.!~) '^(pg_|information_schema$)'
  and (x.extname is not null
    or not n.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[])
    or not c.relkind operator(pg_catalog.=) any (array['r', 'p']::pg_catalog."char"[]))
-- What is in a selected schema says more than what is elsewhere.
order by not n.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[]), n.nspname, c.relname
