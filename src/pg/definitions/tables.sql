-- Tables with their columns, and partitions' places in their parents.
select json_build_object(
  'node', n.class || '/' || n.oid, 'kind', 'table', 'id', c.oid::regclass::text,
  'name', json_build_object('schema', s.nspname, 'name', c.relname),
  'root', case when r.oid is not null then json_build_object('schema', rs.nspname, 'name', r.relname) end,
  'comment', obj_description(c.oid, 'pg_class'),
  'replica_identity', case c.relreplident when 'f' then 'full' when 'n' then 'nothing' end,
  'definition', json_build_object(
    'unlogged', c.relpersistence = 'u',
    'of', case when c.reloftype <> 0 then format_type(c.reloftype, null) end,
    'partition', c.relispartition,
    'partition_by', (
      -- RANGE (...): what is between the parentheses.
      select json_build_object(
        'strategy', case p.partstrat when 'r' then 'range' when 'l' then 'list' else 'hash' end,
        'key', substr(d.text, strpos(d.text, '(') + 1, length(d.text) - strpos(d.text, '(') - 1))
      from pg_partitioned_table p cross join lateral (select pg_get_partkeydef(c.oid)) d(text)
      where p.partrelid = c.oid),
    'inherits', case when c.relispartition then '[]'::json else coalesce((
      select json_agg(i.inhparent::regclass::text order by i.inhseqno) from pg_inherits i where i.inhrelid = c.oid), '[]') end,
    'options', coalesce((
      select json_agg(json_build_object('toast', o.toast, 'name', split_part(o.option, '=', 1),
        'value', substr(o.option, strpos(o.option, '=') + 1)))
      from (
        select false as toast, unnest(c.reloptions) as option
        union all
        select true, unnest(t.reloptions) from pg_class t where t.oid = c.reltoastrelid
      ) o), '[]'),
    'checks', coalesce((
      select json_agg(json_build_object('name', k.conname, 'expression', pg_get_expr(k.conbin, k.conrelid),
        'no_inherit', k.connoinherit, 'validated', true,
        'enforced', coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true',
        'comment', obj_description(k.oid, 'pg_constraint')) order by k.conname)
      from pg_constraint k
      where k.conrelid = c.oid and k.contype = 'c' and k.convalidated and (k.conislocal or c.relispartition)), '[]'),
    'inherited_checks', coalesce((
      select json_agg(json_build_object('name', k.conname, 'validated', k.convalidated) order by k.conname)
      from pg_constraint k
      where k.conrelid = c.oid and k.contype = 'c' and not k.conislocal), '[]'),
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
        'kind', (
          select json_build_object('schema', case when e.typnamespace = 'pg_catalog'::regnamespace then 'pg_catalog'
              when not pg_type_is_visible(e.oid) then en.nspname end, 'name', e.typname, 'array', e.oid <> b.oid,
            'modifier', a.atttypmod, 'printed', case when a.atttypmod >= 0 then substr(
              format_type(e.oid, a.atttypmod), length(format_type(e.oid, null)) + 1) end)
          from pg_type b
          join pg_type e on e.oid = case when exists (
            select from pg_type l where l.oid = b.typelem and l.typarray = b.oid) then b.typelem else b.oid end
          join pg_namespace en on en.oid = e.typnamespace
          where b.oid = a.atttypid),
        'built_in', case when t.typnamespace = 'pg_catalog'::regnamespace then t.typname end,
        'modifier', a.atttypmod,
        'collation', (
          select case when pg_collation_is_visible(co.oid) then '' else quote_ident(cs.nspname) || '.' end
            || quote_ident(co.collname)
          from pg_collation co join pg_namespace cs on cs.oid = co.collnamespace
          where co.oid = a.attcollation and a.attcollation <> t.typcollation),
        'not_null', a.attnotnull and coalesce(nn.convalidated, true),
        'not_null_rule', case when a.attnotnull then json_build_object(
          'name', nn.conname, 'by_default', coalesce(nn.conname = concat(c.relname, '_', a.attname, '_not_null')
            -- Where a copy of the table has the name, the server would choose another one.
            and not exists (
              select from pg_constraint o
              where o.connamespace = nn.connamespace and o.conname = nn.conname and o.oid <> nn.oid and o.coninhcount = 0), true),
          'local', c.relispartition or coalesce(nn.conislocal, not above.passed_on),
          'inherited', coalesce(nn.coninhcount > 0, above.passed_on),
          -- Before PostgreSQL 18 somebody may have dropped it from a child alone.
          'no_inherit', coalesce(nn.connoinherit, c.relkind = 'r' and c.relhassubclass and exists (
            select from pg_inherits i join pg_attribute b on b.attrelid = i.inhrelid and b.attname = a.attname
            where i.inhparent = c.oid and not b.attnotnull)),
          'validated', coalesce(nn.convalidated, true),
          -- All that give it get theirs when the rows are there. Asked only where any is like that.
          'late', case when nn.coninhcount > 0 and nn.convalidated and not nn.conislocal
              and exists (select from pg_constraint o where o.contype = 'n' and not o.convalidated) then coalesce((
            with recursive up(oid) as (
              select i.inhparent from pg_inherits i where i.inhrelid = c.oid
              union
              select i.inhparent from up join pg_inherits i on i.inhrelid = up.oid
            )
            select bool_and(not o.convalidated)
            from up
            join pg_attribute b on b.attrelid = up.oid and b.attname = a.attname
            join pg_constraint o on o.conrelid = up.oid and o.contype = 'n' and o.conkey[1] = b.attnum and o.conislocal), false)
            else false end,
          'comment', obj_description(nn.oid, 'pg_constraint')) end,
        'parent_not_null', above.not_null,
        'local', a.attislocal or c.relispartition,
        'parent_computes', case when a.attinhcount > 0 and not c.relispartition then exists (
          select from pg_inherits i join pg_attribute p on p.attrelid = i.inhparent and p.attname = a.attname
          where i.inhrelid = c.oid and coalesce(to_jsonb(p) ->> 'attgenerated', '') <> '') else false end,
        'computes_otherwise', case when a.attinhcount > 0 and not c.relispartition then exists (
          select from pg_inherits i join pg_attribute p on p.attrelid = i.inhparent and p.attname = a.attname
          join pg_attrdef pf on pf.adrelid = p.attrelid and pf.adnum = p.attnum
          where i.inhrelid = c.oid and coalesce(to_jsonb(p) ->> 'attgenerated', '') <> ''
            and pg_get_expr(pf.adbin, pf.adrelid) <> pg_get_expr(f.adbin, f.adrelid)) else false end,
        'default_node', 'pg_attrdef'::regclass::oid || '/' || f.oid,
        'default', case when coalesce(j.a ->> 'attgenerated', '') = '' then pg_get_expr(f.adbin, f.adrelid) end,
        'volatile', exists (
          select from regexp_matches(f.adbin::text, ':(funcid|opfuncid) ([0-9]+)', 'g') m(found)
          join pg_proc p on p.oid = m.found[2]::oid where p.provolatile = 'v'),
        'generated', case when coalesce(j.a ->> 'attgenerated', '') <> '' then pg_get_expr(f.adbin, f.adrelid) end,
        'virtual', coalesce(j.a ->> 'attgenerated', '') = 'v',
        'identity', case when a.attidentity <> '' and not c.relispartition then (
          select json_build_object('always', a.attidentity = 'a', 'name', q.seqrelid::regclass::text,
            'unlogged', qc.relpersistence = 'u', 'start', q.seqstart, 'increment', q.seqincrement, 'least', q.seqmin,
            'greatest', q.seqmax, 'cache', q.seqcache, 'cycle', q.seqcycle)
          from pg_depend d join pg_sequence q on q.seqrelid = d.objid join pg_class qc on qc.oid = q.seqrelid
          where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
            and d.refobjid = c.oid and d.refobjsubid = a.attnum and d.deptype = 'i') end,
        'storage', case when a.attstorage <> t.typstorage then
          case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end end,
        'compression', case j.a ->> 'attcompression' when 'p' then 'pglz' when 'l' then 'lz4' end,
        'statistics', case when coalesce((j.a ->> 'attstattarget')::int, -1) >= 0 then (j.a ->> 'attstattarget')::int end,
        'options', coalesce((
          select json_agg(json_build_object('toast', false, 'name', split_part(o.option, '=', 1),
            'value', substr(o.option, strpos(o.option, '=') + 1)))
          from unnest(a.attoptions) o(option)), '[]'),
        'comment', (
          select d.description from pg_description d
          where d.classoid = 'pg_class'::regclass and d.objoid = c.oid and d.objsubid = a.attnum)
      ) order by a.attnum)
      from pg_attribute a
      join pg_type t on t.oid = a.atttypid
      left join pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
      cross join lateral (select to_jsonb(a) as a offset 0) j
      left join pg_constraint nn on nn.conrelid = c.oid and nn.contype = 'n' and nn.conkey[1] = a.attnum
      -- Whether parents that are no partitioned tables have it NOT NULL, and whether one gives that to all its children.
      cross join lateral (
        select count(*) > 0 as not_null, coalesce(bool_or(not coalesce(pn.connoinherit, exists (
          select from pg_inherits o join pg_attribute b on b.attrelid = o.inhrelid and b.attname = p.attname
          where o.inhparent = p.attrelid and not b.attnotnull))), false) as passed_on
        from pg_inherits i
        join pg_attribute p on p.attrelid = i.inhparent and p.attname = a.attname and p.attnotnull
        left join pg_constraint pn on pn.conrelid = p.attrelid and pn.contype = 'n' and pn.conkey[1] = p.attnum
        where a.attinhcount > 0 and not c.relispartition and i.inhrelid = c.oid) above
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
  'make', json_build_object('partition', json_build_object(
    'parent', i.inhparent::regclass::text, 'bound', pg_get_expr(c.relpartbound, c.oid))))
from scope x
join pg_class c on c.oid = x.oid and c.relispartition
join pg_inherits i on i.inhrelid = c.oid
join pg_class r on r.oid = x.root
join pg_namespace rs on rs.oid = r.relnamespace
