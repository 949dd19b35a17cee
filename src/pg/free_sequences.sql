-- Which of the sequences $names, pairs of a schema and a name, are there, one JSON object a row, how far they
-- go, whether the role may read and set them, and whether a column owns them or draws from them by default (`drawn`).
select pg_catalog.json_build_object('schema', n.nspname, 'name', c.relname,
  'last', case when pg_catalog.has_sequence_privilege(c.oid, 'select') then pg_catalog.pg_sequence_last_value(c.oid) end,
  'increment', s.seqincrement, 'least', s.seqmin, 'greatest', s.seqmax,
  -- Of one that is dropped at this moment they are NULL.
  'settable', coalesce(pg_catalog.has_sequence_privilege(c.oid, 'select') and pg_catalog.has_sequence_privilege(c.oid, 'update'), false),
  'drawn', exists (
    select from pg_catalog.pg_depend d
    where d.classid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
      and d.objid operator(pg_catalog.=) c.oid
      and d.deptype operator(pg_catalog.=) any (array['a', 'i']::pg_catalog."char"[])
    union all
    select from pg_catalog.pg_depend d
    where d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
      and d.refobjid operator(pg_catalog.=) c.oid
      and d.classid operator(pg_catalog.=) 'pg_catalog.pg_attrdef'::pg_catalog.regclass))
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
join pg_catalog.pg_sequence s on s.seqrelid operator(pg_catalog.=) c.oid
where case when c.relkind operator(pg_catalog.=) 'S' then true end
  and pg_catalog.concat(n.nspname, '.', c.relname) operator(pg_catalog.=) any ($names::pg_catalog.text[])
