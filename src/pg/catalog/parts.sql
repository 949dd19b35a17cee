-- Of catalog.sql. What type `t` is made of, at any depth down to those of the server.
case when tn.nspname operator(pg_catalog.<>) 'pg_catalog' then (
  with recursive inside(oid) as (
    select t.oid where true
    union
    select member.oid from inside
    join pg_catalog.pg_type it on it.oid operator(pg_catalog.=) inside.oid
      and it.typnamespace operator(pg_catalog.<>) 'pg_catalog'::pg_catalog.regnamespace
    cross join lateral (
      select it.typbasetype as oid where it.typtype operator(pg_catalog.=) 'd' union all
      select it.typelem where it.typtype operator(pg_catalog.=) 'b' and it.typelem operator(pg_catalog.<>) 0 union all
      select r.rngsubtype from pg_catalog.pg_range r where r.rngtypid operator(pg_catalog.=) it.oid union all
      select r.rngtypid from pg_catalog.pg_range r
      where (select rngmultitypid from (select r.*) x) operator(pg_catalog.=) it.oid union all
      select x.atttypid from pg_catalog.pg_attribute x
      where it.typtype operator(pg_catalog.=) 'c' and x.attrelid operator(pg_catalog.=) it.typrelid
        and x.attnum operator(pg_catalog.>) 0 and not x.attisdropped) member
  )
  select pg_catalog.json_agg(pg_catalog.json_build_object(
    'oid', it.oid::pg_catalog.int8,
    'schema', itn.nspname,
    'name', it.typname,
    'kind', case
      when it.typtype operator(pg_catalog.=) 'c' then 'composite'
      when it.typtype operator(pg_catalog.=) 'd' then 'domain'
      when it.typtype operator(pg_catalog.=) 'e' then 'enum'
      when it.typtype operator(pg_catalog.=) 'r' then 'range'
      when it.typtype operator(pg_catalog.=) 'm' then 'multirange'
      when exists (select from pg_catalog.pg_type e where e.oid operator(pg_catalog.=) it.typelem
        and e.typarray operator(pg_catalog.=) it.oid) then 'array'
      else 'base' end,
    'members', coalesce((
      select pg_catalog.json_agg(pg_catalog.json_build_object(
        'name', m.name,
        'oid', m.oid::pg_catalog.int8,
        'modifier', m.modifier,
        'text', pg_catalog.format_type(m.oid, m.modifier)) order by m.place)
      from (
        select null::pg_catalog.name as name, it.typbasetype as oid, it.typtypmod as modifier, 0 as place
        where it.typtype operator(pg_catalog.=) 'd' union all
        select null, it.typelem, -1, 0
        where it.typtype operator(pg_catalog.=) 'b' and it.typelem operator(pg_catalog.<>) 0 union all
        select null, r.rngsubtype, -1, 0
        from pg_catalog.pg_range r where r.rngtypid operator(pg_catalog.=) it.oid union all
        select null, r.rngtypid, -1, 0
        from pg_catalog.pg_range r where (select rngmultitypid from (select r.*) x) operator(pg_catalog.=) it.oid union all
        select x.attname, x.atttypid, x.atttypmod, x.attnum
        from pg_catalog.pg_attribute x
        where it.typtype operator(pg_catalog.=) 'c' and x.attrelid operator(pg_catalog.=) it.typrelid
          and x.attnum operator(pg_catalog.>) 0 and not x.attisdropped
      ) m where itn.nspname operator(pg_catalog.<>) 'pg_catalog'), '[]'),
    'labels', coalesce((
      select pg_catalog.json_agg(e.enumlabel order by e.enumsortorder)
      from pg_catalog.pg_enum e where e.enumtypid operator(pg_catalog.=) it.oid), '[]'),
    'rules', (
      select pg_catalog.concat_ws(' ', oc.opcname, co.collname, p.proname) from pg_catalog.pg_range r
      left join pg_catalog.pg_opclass oc on oc.oid operator(pg_catalog.=) r.rngsubopc
      left join pg_catalog.pg_collation co on co.oid operator(pg_catalog.=) r.rngcollation
      left join pg_catalog.pg_proc p on p.oid operator(pg_catalog.=) r.rngcanonical::pg_catalog.oid
      where r.rngtypid operator(pg_catalog.=) it.oid)
  ))
  from inside
  join pg_catalog.pg_type it on it.oid operator(pg_catalog.=) inside.oid
  join pg_catalog.pg_namespace itn on itn.oid operator(pg_catalog.=) it.typnamespace
) else '[]' end
