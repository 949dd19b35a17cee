-- Tables with their columns, and partitions' places in their parents.
select json_build_object(
  'node', n.class || '/' || n.oid, 'kind', 'table', 'id', c.oid::regclass::text,
  'name', json_build_object('schema', s.nspname, 'name', c.relname),
  'root', case when r.oid is not null then json_build_object('schema', rs.nspname, 'name', r.relname) end,
  'create', array_remove(array[
    case c.relreplident
      when 'f' then 'alter table only ' || c.oid::regclass::text || ' replica identity full'
      when 'n' then 'alter table only ' || c.oid::regclass::text || ' replica identity nothing' end,
    'comment on table ' || c.oid::regclass::text || ' is ' || quote_literal(obj_description(c.oid, 'pg_class'))
  ], null) || coalesce((
    select array_agg('comment on constraint ' || quote_ident(k.conname) || ' on ' || c.oid::regclass::text || ' is '
      || quote_literal(d.description) order by k.conname)
    from pg_constraint k
    join pg_description d on d.classoid = 'pg_constraint'::regclass and d.objoid = k.oid and d.objsubid = 0
    where k.conrelid = c.oid and k.contype = 'c' and k.convalidated and (k.conislocal or c.relispartition)), '{}'),
  'shape', json_build_object(
    'unlogged', c.relpersistence = 'u',
    'of', case when c.reloftype <> 0 then format_type(c.reloftype, null) end,
    'partition', c.relispartition,
    'partition_by', case c.relkind when 'p' then pg_get_partkeydef(c.oid) end,
    'inherits', case when c.relispartition then '[]'::json else coalesce((
      select json_agg(i.inhparent::regclass::text order by i.inhseqno) from pg_inherits i where i.inhrelid = c.oid), '[]') end,
    'options', coalesce((
      select json_agg(o.prefix || quote_ident(split_part(o.option, '=', 1)) || '='
        || quote_literal(substr(o.option, position('=' in o.option) + 1)))
      from (
        select '' as prefix, unnest(c.reloptions) as option
        union all
        select 'toast.', unnest(t.reloptions) from pg_class t where t.oid = c.reltoastrelid
      ) o), '[]'),
    'checks', coalesce((
      select json_agg('constraint ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid) order by k.conname)
      from pg_constraint k
      where k.conrelid = c.oid and k.contype = 'c' and k.convalidated and (k.conislocal or c.relispartition)), '[]'),
    'owns', coalesce((
      select json_agg(json_build_object('column', a.attname, 'sequence', d.objid::regclass::text) order by a.attnum)
      from pg_depend d
      join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
      join pg_class q on q.oid = d.objid and q.relkind = 'S'
      where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid
        and d.deptype = 'a'), '[]'),
    'columns', coalesce((
      select json_agg(json_build_object(
        'name', a.attname,
        'type', format_type(a.atttypid, a.atttypmod),
        'built_in', case when t.typnamespace = 'pg_catalog'::regnamespace then t.typname end,
        'modifier', a.atttypmod,
        'collation', (
          select case when pg_collation_is_visible(co.oid) then '' else quote_ident(cs.nspname) || '.' end
            || quote_ident(co.collname)
          from pg_collation co join pg_namespace cs on cs.oid = co.collnamespace
          where co.oid = a.attcollation and a.attcollation <> t.typcollation),
        'not_null', a.attnotnull,
        'local', a.attislocal or c.relispartition,
        'default', case when coalesce(j.a ->> 'attgenerated', '') = '' then pg_get_expr(f.adbin, f.adrelid) end,
        'generated', case when coalesce(j.a ->> 'attgenerated', '') <> '' then pg_get_expr(f.adbin, f.adrelid) end,
        'virtual', coalesce(j.a ->> 'attgenerated', '') = 'v',
        'identity', case when a.attidentity <> '' and not c.relispartition then (
          select case a.attidentity when 'a' then 'always' else 'by default' end || ' as identity (sequence name '
            || q.seqrelid::regclass::text || ' start with ' || q.seqstart || ' increment by ' || q.seqincrement
            || ' minvalue ' || q.seqmin || ' maxvalue ' || q.seqmax || ' cache ' || q.seqcache
            || case when q.seqcycle then ' cycle' else '' end || ')'
          from pg_depend d join pg_sequence q on q.seqrelid = d.objid
          where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
            and d.refobjid = c.oid and d.refobjsubid = a.attnum and d.deptype = 'i') end,
        'storage', case when a.attstorage <> t.typstorage then
          case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end end,
        'compression', case j.a ->> 'attcompression' when 'p' then 'pglz' when 'l' then 'lz4' end,
        'statistics', case when coalesce((j.a ->> 'attstattarget')::int, -1) >= 0 then (j.a ->> 'attstattarget')::int end,
        'options', coalesce((
          select json_agg(quote_ident(split_part(o.option, '=', 1)) || '='
            || quote_literal(substr(o.option, position('=' in o.option) + 1)))
          from unnest(a.attoptions) o(option)), '[]'),
        'comment', (
          select quote_literal(d.description) from pg_description d
          where d.classoid = 'pg_class'::regclass and d.objoid = c.oid and d.objsubid = a.attnum)
      ) order by a.attnum)
      from pg_attribute a
      join pg_type t on t.oid = a.atttypid
      left join pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
      cross join lateral (select to_jsonb(a) as a offset 0) j
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]')))
from needed n
join pg_class c on n.class = 'pg_class'::regclass and c.oid = n.oid and c.relkind in ('r', 'p')
join pg_namespace s on s.oid = c.relnamespace
left join scope x on x.oid = c.oid
left join pg_class r on r.oid = x.root
left join pg_namespace rs on rs.oid = r.relnamespace
where not n.extra and c.oid <> all ($held::oid[]) and s.nspname !~ '^pg_' and s.nspname <> 'information_schema'
union all
select json_build_object(
  'node', 'partition/' || c.oid, 'kind', 'partition', 'id', c.oid::regclass::text,
  'needs', json_build_array('pg_class'::regclass::oid || '/' || c.oid, 'pg_class'::regclass::oid || '/' || i.inhparent),
  'table', c.oid::regclass::text,
  'root', json_build_object('schema', rs.nspname, 'name', r.relname),
  'create', array['alter table only ' || i.inhparent::regclass::text || ' attach partition ' || c.oid::regclass::text
    || ' ' || pg_get_expr(c.relpartbound, c.oid)])
from scope x
join pg_class c on c.oid = x.oid and c.relispartition
join pg_inherits i on i.inhrelid = c.oid
join pg_class r on r.oid = x.root
join pg_namespace rs on rs.oid = r.relnamespace
