  -- What the index i of the table c is made of, and the columns that it only carries along.
  select
    coalesce(json_agg(json_build_object(
      'column', a.attname,
      'expression', case when u.attnum = 0 then pg_get_indexdef(i.indexrelid, u.place::int, false) end,
      'collation', (
        select case when pg_collation_is_visible(co.oid) then '' else quote_ident(cs.nspname) || '.' end
          || quote_ident(co.collname)
        from pg_collation co join pg_namespace cs on cs.oid = co.collnamespace
        where co.oid = u.sorting and co.oid is distinct from a.attcollation),
      'opclass', (
        select case when pg_opclass_is_visible(o.oid) then '' else quote_ident(os.nspname) || '.' end
          || quote_ident(o.opcname)
        from pg_opclass o join pg_namespace os on os.oid = o.opcnamespace
        where o.oid = u.class and (not o.opcdefault or ia.attoptions is not null or exists (
          -- Types of users may have a default of their own.
          select from pg_type t where t.oid = coalesce(a.atttypid, ia.atttypid) and t.oid >= 16384
            and t.typtype <> 'e' and t.typelem = 0))),
      'options', coalesce((
        select json_agg(json_build_object('toast', false, 'name', split_part(p.option, '=', 1),
          'value', substr(p.option, strpos(p.option, '=') + 1)))
        from unnest(ia.attoptions) p(option)), '[]'),
      'descending', u.option & 1 = 1, 'nulls_first', u.option & 2 = 2
    ) order by u.place) filter (where u.class is not null), '[]') as elements,
    coalesce(json_agg(a.attname order by u.place) filter (where u.class is null), '[]') as include
  from unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[], i.indoption::int2[])
    with ordinality u(attnum, class, sorting, option, place)
  join pg_attribute ia on ia.attrelid = i.indexrelid and ia.attnum = u.place
  left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = u.attnum and u.attnum <> 0
