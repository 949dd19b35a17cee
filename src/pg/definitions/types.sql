-- Enums, domains, composite and range types, and sequences that are nobody's identity.
select json_build_object(
  'node', n.class || '/' || n.oid,
  'kind', case t.typtype when 'e' then 'enum' else 'type' end,
  'id', format_type(t.oid, null),
  'labels', coalesce((select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid), '[]'),
  'comment', obj_description(t.oid, 'pg_type'),
  'make', d.make)
from needed n
join pg_type t on n.class = 'pg_type'::regclass and t.oid = n.oid
cross join lateral (
  select json_build_object('enum', json_build_object()) as make where t.typtype = 'e'
  union all
  select json_build_object('domain', json_build_object(
    'base', (
      select json_build_object('schema', case when e.typnamespace = 'pg_catalog'::regnamespace then 'pg_catalog'
          when not pg_type_is_visible(e.oid) then en.nspname end, 'name', e.typname, 'array', e.oid <> b.oid,
        'modifier', t.typtypmod, 'printed', case when t.typtypmod >= 0 then substr(
          format_type(e.oid, t.typtypmod), length(format_type(e.oid, null)) + 1) end)
      from pg_type b
      join pg_type e on e.oid = case when exists (
        select from pg_type l where l.oid = b.typelem and l.typarray = b.oid) then b.typelem else b.oid end
      join pg_namespace en on en.oid = e.typnamespace
      where b.oid = t.typbasetype),
    'collation', (
      select case when pg_collation_is_visible(c.oid) then '' else quote_ident(s.nspname) || '.' end
        || quote_ident(c.collname)
      from pg_collation c join pg_namespace s on s.oid = c.collnamespace join pg_type b on b.oid = t.typbasetype
      where c.oid = t.typcollation and t.typcollation <> b.typcollation),
    'default', pg_get_expr(t.typdefaultbin, 0),
    'not_null', t.typnotnull,
    'checks', coalesce((
      select json_agg(json_build_object('name', k.conname, 'expression', pg_get_expr(k.conbin, 0),
        'validated', k.convalidated) order by k.conname)
      from pg_constraint k where k.contypid = t.oid and k.contype = 'c'), '[]')))
  where t.typtype = 'd'
  union all
  select json_build_object('composite', json_build_object('attributes', coalesce((
    select json_agg(json_build_object(
      'name', a.attname,
      'type', (
        select json_build_object('schema', case when e.typnamespace = 'pg_catalog'::regnamespace then 'pg_catalog'
            when not pg_type_is_visible(e.oid) then en.nspname end, 'name', e.typname, 'array', e.oid <> b.oid,
          'modifier', a.atttypmod, 'printed', case when a.atttypmod >= 0 then substr(
            format_type(e.oid, a.atttypmod), length(format_type(e.oid, null)) + 1) end)
        from pg_type b
        join pg_type e on e.oid = case when exists (
          select from pg_type l where l.oid = b.typelem and l.typarray = b.oid) then b.typelem else b.oid end
        join pg_namespace en on en.oid = e.typnamespace
        where b.oid = a.atttypid),
      'collation', (
        select case when pg_collation_is_visible(c.oid) then '' else quote_ident(s.nspname) || '.' end
          || quote_ident(c.collname)
        from pg_collation c join pg_namespace s on s.oid = c.collnamespace join pg_type b on b.oid = a.atttypid
        where c.oid = a.attcollation and a.attcollation <> b.typcollation)) order by a.attnum)
    from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped), '[]')))
  where t.typtype = 'c' and exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c')
  union all
  select json_build_object('range', json_build_object(
    'subtype', (
      select json_build_object('schema', case when e.typnamespace = 'pg_catalog'::regnamespace then 'pg_catalog'
          when not pg_type_is_visible(e.oid) then en.nspname end, 'name', e.typname, 'array', e.oid <> b.oid,
        'modifier', -1, 'printed', case when -1 >= 0 then substr(
          format_type(e.oid, -1), length(format_type(e.oid, null)) + 1) end)
      from pg_type b
      join pg_type e on e.oid = case when exists (
        select from pg_type l where l.oid = b.typelem and l.typarray = b.oid) then b.typelem else b.oid end
      join pg_namespace en on en.oid = e.typnamespace
      where b.oid = r.rngsubtype),
    'opclass', (
      select case when pg_opclass_is_visible(o.oid) then '' else quote_ident(s.nspname) || '.' end
        || quote_ident(o.opcname)
      from pg_opclass o join pg_namespace s on s.oid = o.opcnamespace
      where o.oid = r.rngsubopc and not o.opcdefault),
    'collation', (
      select case when pg_collation_is_visible(c.oid) then '' else quote_ident(s.nspname) || '.' end
        || quote_ident(c.collname)
      from pg_collation c join pg_namespace s on s.oid = c.collnamespace join pg_type b on b.oid = r.rngsubtype
      where c.oid = r.rngcollation and r.rngcollation <> b.typcollation),
    'canonical', case when r.rngcanonical <> 0 then r.rngcanonical::text end,
    'subtype_diff', case when r.rngsubdiff <> 0 then r.rngsubdiff::text end,
    -- The name that the server would choose by itself is left to it: older ones know no such types.
    'multirange', (
      select format_type(m.oid, null) from pg_type m
      where m.oid = (to_jsonb(r) ->> 'rngmultitypid')::oid and m.typname <> case
        when position('range' in t.typname::text) > 0
        then overlay(t.typname::text placing 'multirange' from position('range' in t.typname::text) for 5)
        else t.typname || '_multirange' end)))
  from pg_range r where r.rngtypid = t.oid
) d(make)
where not n.extra
union all
select json_build_object(
  'node', n.class || '/' || n.oid, 'kind', 'sequence', 'id', c.oid::regclass::text,
  'comment', obj_description(c.oid, 'pg_class'),
  'make', json_build_object('sequence', json_build_object(
    'unlogged', c.relpersistence = 'u', 'type', format_type(q.seqtypid, null),
    'start', q.seqstart, 'increment', q.seqincrement, 'least', q.seqmin, 'greatest', q.seqmax,
    'cache', q.seqcache, 'cycle', q.seqcycle)))
from needed n
join pg_class c on n.class = 'pg_class'::regclass and c.oid = n.oid and c.relkind = 'S'
join pg_sequence q on q.seqrelid = c.oid
where not n.extra and not exists (
  select from pg_depend d
  where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i')
