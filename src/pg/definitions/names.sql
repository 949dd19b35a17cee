-- Schemas, extensions and collations.
select json_build_object(
  'node', n.class || '/' || n.oid, 'kind', 'schema', 'id', quote_ident(s.nspname), 'schema', s.nspname,
  'create', array_remove(array[
    'comment on schema ' || quote_ident(s.nspname) || ' is ' || quote_literal(obj_description(s.oid, 'pg_namespace'))
  ], null))
from needed n join pg_namespace s on n.class = 'pg_namespace'::regclass and s.oid = n.oid
where s.nspname !~ '^pg_' and s.nspname <> 'information_schema'
union all
select json_build_object(
  'node', n.class || '/' || n.oid, 'kind', 'extension', 'id', quote_ident(e.extname),
  'create', array['create extension if not exists ' || quote_ident(e.extname) || case
    when s.nspname = any (current_schemas(false)) then ''
    else ' with schema ' || quote_ident(s.nspname) end])
from needed n
join pg_extension e on n.class = 'pg_extension'::regclass and e.oid = n.oid
join pg_namespace s on s.oid = e.extnamespace
union all
select json_build_object(
  'node', n.class || '/' || n.oid, 'kind', 'collation', 'id', c.name,
  'create', array_remove(array[
    'create collation ' || c.name || ' (provider = ' || c.provider
      || case
        when c.locale is not null then ', locale = ' || quote_literal(c.locale)
        else ', lc_collate = ' || quote_literal(c.collcollate) || ', lc_ctype = ' || quote_literal(c.collctype) end
      || case when not c.deterministic then ', deterministic = false' else '' end
      || coalesce(', rules = ' || quote_literal(c.rules), '') || ')',
    'comment on collation ' || c.name || ' is ' || quote_literal(obj_description(c.oid, 'pg_collation'))
  ], null))
from needed n
join lateral (
  select c.oid, c.collcollate::text, c.collctype::text,
    case when pg_collation_is_visible(c.oid) then '' else quote_ident(s.nspname) || '.' end
      || quote_ident(c.collname) as name,
    case c.collprovider when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end as provider,
    coalesce(j.c ->> 'colliculocale', j.c ->> 'colllocale',
      case when c.collcollate::text = c.collctype::text then c.collcollate::text end) as locale,
    coalesce(j.c ->> 'collisdeterministic', 'true') = 'true' as deterministic,
    j.c ->> 'collicurules' as rules
  from pg_collation c
  join pg_namespace s on s.oid = c.collnamespace
  cross join lateral (select to_jsonb(c) as c) j
  where n.class = 'pg_collation'::regclass and c.oid = n.oid
) c on true
where not n.extra
