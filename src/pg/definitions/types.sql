-- Enums, domains, composite and range types, and sequences that are nobody's identity.
select json_build_object(
  'node', n.class || '/' || n.oid,
  'kind', case t.typtype when 'e' then 'enum' else 'type' end,
  'id', format_type(t.oid, null),
  'labels', coalesce((select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid), '[]'),
  'create', array_remove(d.statements || array[
    'comment on ' || case t.typtype when 'd' then 'domain ' else 'type ' end || format_type(t.oid, null)
      || ' is ' || quote_literal(obj_description(t.oid, 'pg_type'))
  ], null))
from needed n
join pg_type t on n.class = 'pg_type'::regclass and t.oid = n.oid
cross join lateral (
  select array['create type ' || format_type(t.oid, null) || ' as enum (' || coalesce((
    select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
    from pg_enum e where e.enumtypid = t.oid), '') || ')'] as statements
  where t.typtype = 'e'
  union all
  select array['create domain ' || format_type(t.oid, null) || ' as ' || format_type(t.typbasetype, t.typtypmod)
    || coalesce((
      select ' collate ' || case when pg_collation_is_visible(c.oid) then '' else quote_ident(s.nspname) || '.' end
        || quote_ident(c.collname)
      from pg_collation c join pg_namespace s on s.oid = c.collnamespace join pg_type b on b.oid = t.typbasetype
      where c.oid = t.typcollation and t.typcollation <> b.typcollation), '')
    || coalesce(' default ' || pg_get_expr(t.typdefaultbin, 0), '')
    || case when t.typnotnull then ' not null' else '' end]
    || coalesce((
      select array_agg(
        'alter domain ' || format_type(t.oid, null) || ' add constraint ' || quote_ident(k.conname)
          || ' ' || pg_get_constraintdef(k.oid) order by k.conname)
      from pg_constraint k where k.contypid = t.oid and k.contype = 'c'), '{}')
  where t.typtype = 'd'
  union all
  select array['create type ' || format_type(t.oid, null) || ' as (' || coalesce((
    select string_agg(
      quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod) || coalesce((
        select ' collate ' || case when pg_collation_is_visible(c.oid) then '' else quote_ident(s.nspname) || '.' end
          || quote_ident(c.collname)
        from pg_collation c join pg_namespace s on s.oid = c.collnamespace join pg_type b on b.oid = a.atttypid
        where c.oid = a.attcollation and a.attcollation <> b.typcollation), ''), ', ' order by a.attnum)
    from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped), '') || ')']
  where t.typtype = 'c' and exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c')
  union all
  select array['create type ' || format_type(t.oid, null) || ' as range (subtype = ' || format_type(r.rngsubtype, null)
    || coalesce((
      select ', subtype_opclass = ' || case when pg_opclass_is_visible(o.oid) then '' else quote_ident(s.nspname) || '.' end
        || quote_ident(o.opcname)
      from pg_opclass o join pg_namespace s on s.oid = o.opcnamespace
      where o.oid = r.rngsubopc and not o.opcdefault), '')
    || coalesce((
      select ', collation = ' || case when pg_collation_is_visible(c.oid) then '' else quote_ident(s.nspname) || '.' end
        || quote_ident(c.collname)
      from pg_collation c join pg_namespace s on s.oid = c.collnamespace join pg_type b on b.oid = r.rngsubtype
      where c.oid = r.rngcollation and r.rngcollation <> b.typcollation), '')
    || case when r.rngcanonical = 0 then '' else ', canonical = ' || r.rngcanonical::text end
    || case when r.rngsubdiff = 0 then '' else ', subtype_diff = ' || r.rngsubdiff::text end
    -- The name that the server would choose by itself is left to it: older ones know no such types.
    || coalesce((
      select ', multirange_type_name = ' || format_type(m.oid, null) from pg_type m
      where m.oid = (to_jsonb(r) ->> 'rngmultitypid')::oid and m.typname <> case
        when position('range' in t.typname::text) > 0
        then overlay(t.typname::text placing 'multirange' from position('range' in t.typname::text) for 5)
        else t.typname || '_multirange' end), '') || ')']
  from pg_range r where r.rngtypid = t.oid
) d(statements)
where not n.extra
union all
select json_build_object(
  'node', n.class || '/' || n.oid, 'kind', 'sequence', 'id', c.oid::regclass::text,
  'create', array_remove(array[
    'create ' || case c.relpersistence when 'u' then 'unlogged ' else '' end || 'sequence ' || c.oid::regclass::text
      || ' as ' || format_type(q.seqtypid, null) || ' start with ' || q.seqstart || ' increment by ' || q.seqincrement
      || ' minvalue ' || q.seqmin || ' maxvalue ' || q.seqmax || ' cache ' || q.seqcache
      || case when q.seqcycle then ' cycle' else '' end,
    'comment on sequence ' || c.oid::regclass::text || ' is ' || quote_literal(obj_description(c.oid, 'pg_class'))
  ], null))
from needed n
join pg_class c on n.class = 'pg_class'::regclass and c.oid = n.oid and c.relkind = 'S'
join pg_sequence q on q.seqrelid = c.oid
where not n.extra and not exists (
  select from pg_depend d
  where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i')
