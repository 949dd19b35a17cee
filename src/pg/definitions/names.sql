-- Schemas, extensions and collations.
select json_build_object(
  'node', n.class || '/' || n.oid, 'kind', 'schema', 'id', quote_ident(s.nspname), 'schema', s.nspname,
  'comment', obj_description(s.oid, 'pg_namespace'))
from needed n join pg_namespace s on n.class = 'pg_namespace'::regclass and s.oid = n.oid
where s.nspname !~ '^pg_' and s.nspname <> 'information_schema'
union all
select json_build_object(
  'node', n.class || '/' || n.oid, 'kind', 'extension', 'id', quote_ident(e.extname),
  'make', json_build_object('extension', json_build_object(
    'schema', case when s.nspname <> all (current_schemas(false)) then s.nspname end)))
from needed n
join pg_extension e on n.class = 'pg_extension'::regclass and e.oid = n.oid
join pg_namespace s on s.oid = e.extnamespace
union all
select json_build_object(
  'node', n.class || '/' || n.oid, 'kind', 'collation', 'id', c.name,
  'comment', obj_description(c.oid, 'pg_collation'),
  'make', json_build_object('collation', json_build_object(
    'provider', c.provider, 'locale', c.locale, 'collate', c.collcollate, 'ctype', c.collctype,
    'deterministic', c.deterministic, 'rules', c.rules)))
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
