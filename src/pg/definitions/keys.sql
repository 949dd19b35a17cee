-- What comes after a table's rows: constraints, indexes, statistics objects; foreign keys come last.
select json_build_object(
  'node', 'pg_constraint/' || k.oid,
  'kind', case k.contype when 'f' then 'foreign_key' when 'c' then 'check' else 'key' end,
  'id', c.oid::regclass::text || ' ' || quote_ident(k.conname), 'own', k.conname,
  'needs', case when ic.oid is not null then json_build_array('pg_class'::regclass::oid || '/' || ic.oid)
    when k.contype = 'c' then json_build_array('pg_constraint'::regclass::oid || '/' || k.oid)
    else '[]'::json end,
  'table', c.oid::regclass::text,
  'root', json_build_object('schema', rs.nspname, 'name', r.relname),
  'parent', (
    select json_build_object('schema', ps.nspname, 'name', p.relname)
    from pg_class p join pg_namespace ps on ps.oid = p.relnamespace
    where k.contype = 'f' and p.oid = coalesce((select x.root from scope x where x.oid = k.confrelid), k.confrelid)),
  'validate', k.contype = 'f' and k.convalidated and c.relkind <> 'p',
  'since', case
    when k.contype = 'f' and exists (select from pg_class p where p.oid = k.confrelid and p.relkind = 'p') then 120000
    when c.relkind = 'p' and k.contype <> 'c' then 110000
    when to_jsonb(i) ->> 'indnullsnotdistinct' = 'true' then 150000
    when to_jsonb(k) ->> 'conperiod' = 'true' then 180000
    when to_jsonb(k) ->> 'conenforced' = 'false' then 180000
    when i.indnatts > coalesce((to_jsonb(i) ->> 'indnkeyatts')::int, i.indnatts) then 110000
    else 0 end,
  'comment', obj_description(k.oid, 'pg_constraint'),
  'index', case when ic.oid is not null then json_build_object(
    'name', ic.oid::regclass::text,
    'options', coalesce((
      select json_agg(json_build_object('toast', false, 'name', split_part(o.option, '=', 1),
        'value', substr(o.option, strpos(o.option, '=') + 1)))
      from unnest(ic.reloptions) o(option)), '[]'),
    'clustered', i.indisclustered, 'replica_identity', i.indisreplident, 'statistics', '[]'::json,
    'comment', obj_description(ic.oid, 'pg_class')) end,
  'make', case k.contype
    when 'c' then json_build_object('check', json_build_object(
      'name', k.conname, 'expression', pg_get_expr(k.conbin, k.conrelid), 'no_inherit', k.connoinherit,
      'validated', k.convalidated, 'enforced', coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true'))
    when 'f' then json_build_object('foreign_key', json_build_object(
      'partitioned', c.relkind = 'p',
      'columns', (
        select json_agg(a.attname order by u.place) from unnest(k.conkey) with ordinality u(attnum, place)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum),
      'parent', k.confrelid::regclass::text,
      'parent_columns', (
        select json_agg(a.attname order by u.place) from unnest(k.confkey) with ordinality u(attnum, place)
        join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.attnum),
      'match_full', k.confmatchtype = 'f', 'on_update', k.confupdtype, 'on_delete', k.confdeltype,
      'set_columns', coalesce((
        select json_agg(a.attname order by u.place)
        from jsonb_array_elements_text(case jsonb_typeof(to_jsonb(k) -> 'confdelsetcols')
          when 'array' then to_jsonb(k) -> 'confdelsetcols' else '[]' end) with ordinality u(attnum, place)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum::int2), '[]'),
      'deferrable', k.condeferrable, 'deferred', k.condeferred, 'validated', k.convalidated,
      'enforced', coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true',
      'period', coalesce(to_jsonb(k) ->> 'conperiod', 'false') = 'true'))
    when 'x' then json_build_object('exclusion', json_build_object(
      'method', (select m.amname from pg_am m where m.oid = ic.relam),
      'elements', e.elements,
      'operators', (
        select json_agg(json_build_object('schema', os.nspname, 'name', o.oprname) order by u.place)
        from unnest(k.conexclop) with ordinality u(oid, place)
        join pg_operator o on o.oid = u.oid join pg_namespace os on os.oid = o.oprnamespace),
      'include', e.include, 'predicate', pg_get_expr(i.indpred, i.indrelid),
      'deferrable', k.condeferrable, 'deferred', k.condeferred))
    else json_build_object('key', json_build_object(
      'primary', k.contype = 'p',
      'columns', (
        select json_agg(a.attname order by u.place) from unnest(k.conkey) with ordinality u(attnum, place)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum),
      'include', e.include,
      'nulls_not_distinct', coalesce(to_jsonb(i) ->> 'indnullsnotdistinct', 'false') = 'true',
      'without_overlaps', coalesce(to_jsonb(k) ->> 'conperiod', 'false') = 'true',
      'deferrable', k.condeferrable, 'deferred', k.condeferred)) end)
from scope x
join pg_class c on c.oid = x.oid
join pg_class r on r.oid = x.root
join pg_namespace rs on rs.oid = r.relnamespace
join pg_constraint k on k.conrelid = c.oid and k.contype in ('p', 'u', 'x', 'c', 'f')
left join pg_index i on i.indexrelid = k.conindid and k.contype in ('p', 'u', 'x')
left join pg_class ic on ic.oid = i.indexrelid
left join lateral (
  $elements
) e on true
where case k.contype
  when 'f' then coalesce(to_jsonb(k) ->> 'conparentid', '0') = '0'
  when 'c' then k.conislocal
  else true end
union all
select json_build_object(
  'node', 'pg_class/' || ic.oid, 'kind', 'index', 'id', ic.oid::regclass::text,
  'needs', json_build_array('pg_class'::regclass::oid || '/' || ic.oid),
  'table', c.oid::regclass::text,
  'root', json_build_object('schema', rs.nspname, 'name', r.relname),
  'since', case
    when c.relkind = 'p' then 110000
    when to_jsonb(i) ->> 'indnullsnotdistinct' = 'true' then 150000
    when i.indnatts > coalesce((to_jsonb(i) ->> 'indnkeyatts')::int, i.indnatts)
      or exists (select from pg_attribute ia where ia.attrelid = ic.oid and ia.attstattarget >= 0) then 110000
    else 0 end,
  'index', json_build_object(
    'name', ic.oid::regclass::text, 'options', '[]'::json,
    'clustered', i.indisclustered, 'replica_identity', i.indisreplident,
    'statistics', coalesce((
      select json_agg(json_build_object('column', ia.attnum, 'target', ia.attstattarget) order by ia.attnum)
      from pg_attribute ia where ia.attrelid = ic.oid and ia.attstattarget >= 0 and not ia.attisdropped), '[]'),
    'comment', obj_description(ic.oid, 'pg_class')),
  'make', json_build_object('index', json_build_object(
    'unique', i.indisunique, 'only', ic.relkind = 'I',
    'method', (select m.amname from pg_am m where m.oid = ic.relam),
    'elements', e.elements, 'include', e.include,
    'nulls_not_distinct', coalesce(to_jsonb(i) ->> 'indnullsnotdistinct', 'false') = 'true',
    'options', coalesce((
      select json_agg(json_build_object('toast', false, 'name', split_part(o.option, '=', 1),
        'value', substr(o.option, strpos(o.option, '=') + 1)))
      from unnest(ic.reloptions) o(option)), '[]'),
    'predicate', pg_get_expr(i.indpred, i.indrelid))))
from scope x
join pg_class c on c.oid = x.oid
join pg_class r on r.oid = x.root
join pg_namespace rs on rs.oid = r.relnamespace
join pg_index i on i.indrelid = c.oid and (i.indisvalid or c.relkind = 'p')
join pg_class ic on ic.oid = i.indexrelid
cross join lateral (
  $elements
) e
where not exists (select from pg_constraint k where k.conindid = ic.oid and k.contype in ('p', 'u', 'x'))
union all
select json_build_object(
  'node', 'attached/' || ic.oid, 'kind', 'attached_index', 'id', ic.oid::regclass::text,
  'table', c.oid::regclass::text,
  'root', json_build_object('schema', rs.nspname, 'name', r.relname),
  'since', 110000,
  'make', json_build_object('attached_index', json_build_object('parent', h.inhparent::regclass::text)))
from scope x
join pg_class c on c.oid = x.oid
join pg_class r on r.oid = x.root
join pg_namespace rs on rs.oid = r.relnamespace
join pg_index i on i.indrelid = c.oid
join pg_class ic on ic.oid = i.indexrelid
join pg_inherits h on h.inhrelid = ic.oid
union all
select json_build_object(
  'node', 'statistics/' || t.oid, 'kind', 'statistics', 'id', t.name, 'own', t.stxname, 'table', c.oid::regclass::text,
  'root', json_build_object('schema', rs.nspname, 'name', r.relname),
  'since', case
    when t.expressions then 140000
    when 'm' = any (t.stxkind) then 120000
    else 0 end,
  'comment', obj_description(t.oid, 'pg_statistic_ext'),
  'make', json_build_object('statistics', json_build_object(
    -- One expression alone takes no kinds.
    'kinds', case when t.stxkind <> array['e']::"char"[] then (
      select json_agg(case y when 'd' then 'ndistinct' when 'f' then 'dependencies' else 'mcv' end)
      from unnest(t.stxkind) y where y <> 'e') else '[]'::json end,
    'columns', coalesce((
      select json_agg(a.attname order by a.attnum) from unnest(t.stxkeys::int2[]) u(attnum)
      join pg_attribute a on a.attrelid = c.oid and a.attnum = u.attnum), '[]'),
    -- What the server prints after the columns and before FROM, whose lengths are known.
    'expressions', case when t.expressions then substr(t.rest, t.begin + t.skip, length(t.rest) - t.begin - t.skip + 1 - t.tail) end,
    'target', t.target)))
from scope x
join pg_class c on c.oid = x.oid
join pg_class r on r.oid = x.root
join pg_namespace rs on rs.oid = r.relnamespace
join lateral (
  select e.oid, e.stxname, e.stxkind, e.stxkeys,
    case when pg_statistics_obj_is_visible(e.oid) then '' else quote_ident(s.nspname) || '.' end
      || quote_ident(e.stxname) as name,
    to_jsonb(e) ->> 'stxexprs' is not null as expressions,
    case when coalesce((to_jsonb(e) ->> 'stxstattarget')::int, -1) >= 0 then (to_jsonb(e) ->> 'stxstattarget')::int end as target,
    d.rest,
    -- Behind the name only kinds come before ON.
    strpos(d.rest, ' ON ') + 4 as begin,
    coalesce((
      select sum(length(quote_ident(a.attname)) + 2) from unnest(e.stxkeys::int2[]) u(attnum)
      join pg_attribute a on a.attrelid = c.oid and a.attnum = u.attnum), 0)::int as skip,
    length(' FROM ' || c.oid::regclass::text) as tail
  from pg_statistic_ext e join pg_namespace s on s.oid = e.stxnamespace
  cross join lateral (
    select substr(pg_get_statisticsobjdef(e.oid),
      length('CREATE STATISTICS ' || quote_ident(s.nspname) || '.' || quote_ident(e.stxname)) + 1) as rest) d
  where e.stxrelid = c.oid
) t on true
