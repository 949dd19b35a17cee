-- What comes after a table's rows: constraints, indexes, statistics objects; foreign keys come last.
select json_build_object(
  'node', 'pg_constraint/' || k.oid,
  'kind', case k.contype when 'f' then 'foreign_key' when 'c' then 'check' else 'key' end,
  'id', c.oid::regclass::text || ' ' || quote_ident(k.conname), 'own', quote_ident(k.conname),
  'needs', case when ic.oid is null then '[]'::json
    else json_build_array('pg_class'::regclass::oid || '/' || ic.oid) end,
  'table', c.oid::regclass::text,
  'root', json_build_object('schema', rs.nspname, 'name', r.relname),
  'parent', (
    select json_build_object('schema', ps.nspname, 'name', p.relname)
    from pg_class p join pg_namespace ps on ps.oid = p.relnamespace
    where k.contype = 'f' and p.oid = coalesce((select x.root from scope x where x.oid = k.confrelid), k.confrelid)),
  'validate', case when k.contype = 'f' and k.convalidated and c.relkind <> 'p' then
    'alter table ' || c.oid::regclass::text || ' validate constraint ' || quote_ident(k.conname) end,
  'since', case
    when k.contype = 'f' and exists (select from pg_class p where p.oid = k.confrelid and p.relkind = 'p') then 120000
    when c.relkind = 'p' and k.contype <> 'c' then 110000
    when pg_get_constraintdef(k.oid) like '%NULLS NOT DISTINCT%' then 150000
    when pg_get_constraintdef(k.oid) like '%WITHOUT OVERLAPS%' or pg_get_constraintdef(k.oid) like '%PERIOD%' then 180000
    when i.indnatts > coalesce((to_jsonb(i) ->> 'indnkeyatts')::int, i.indnatts) then 110000
    else 0 end,
  'create', array_remove(array[
    'alter table ' || case when k.contype = 'c' or k.contype = 'f' and c.relkind = 'p' then '' else 'only ' end
      || c.oid::regclass::text || ' add constraint ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid)
      || case when k.contype = 'f' and k.convalidated and c.relkind <> 'p' then ' not valid' else '' end,
    case when k.contype <> 'f' and ic.reloptions is not null then
      'alter index ' || ic.oid::regclass::text || ' set (' || array_to_string(ic.reloptions, ', ') || ')' end,
    case when k.contype <> 'f' and i.indisclustered then
      'alter table ' || c.oid::regclass::text || ' cluster on ' || quote_ident(ic.relname) end,
    case when k.contype <> 'f' and i.indisreplident then
      'alter table only ' || c.oid::regclass::text || ' replica identity using index ' || quote_ident(ic.relname) end,
    'comment on constraint ' || quote_ident(k.conname) || ' on ' || c.oid::regclass::text || ' is '
      || quote_literal(obj_description(k.oid, 'pg_constraint')),
    case when k.contype <> 'f' then
      'comment on index ' || ic.oid::regclass::text || ' is ' || quote_literal(obj_description(ic.oid, 'pg_class')) end
  ], null))
from scope x
join pg_class c on c.oid = x.oid
join pg_class r on r.oid = x.root
join pg_namespace rs on rs.oid = r.relnamespace
join pg_constraint k on k.conrelid = c.oid and k.contype in ('p', 'u', 'x', 'c', 'f')
left join pg_index i on i.indexrelid = k.conindid and k.contype in ('p', 'u', 'x')
left join pg_class ic on ic.oid = i.indexrelid
where case k.contype
  when 'f' then coalesce(to_jsonb(k) ->> 'conparentid', '0') = '0'
  when 'c' then k.conislocal
  else true end
union all
select json_build_object(
  'node', 'pg_class/' || ic.oid, 'kind', 'index', 'id', ic.oid::regclass::text, 'own', quote_ident(ic.relname),
  'needs', json_build_array('pg_class'::regclass::oid || '/' || ic.oid),
  'table', c.oid::regclass::text,
  'root', json_build_object('schema', rs.nspname, 'name', r.relname),
  'since', case
    when c.relkind = 'p' then 110000
    when pg_get_indexdef(ic.oid) like '%NULLS NOT DISTINCT%' then 150000
    when i.indnatts > coalesce((to_jsonb(i) ->> 'indnkeyatts')::int, i.indnatts)
      or exists (select from pg_attribute ia where ia.attrelid = ic.oid and ia.attstattarget >= 0) then 110000
    else 0 end,
  'create', array_remove(array[
    pg_get_indexdef(ic.oid, 0, true)], null) || coalesce((
    select array_agg('alter index ' || ic.oid::regclass::text || ' alter column ' || ia.attnum || ' set statistics '
      || ia.attstattarget order by ia.attnum)
    from pg_attribute ia where ia.attrelid = ic.oid and ia.attstattarget >= 0 and not ia.attisdropped), '{}') || array_remove(array[
    case when i.indisclustered then
      'alter table ' || c.oid::regclass::text || ' cluster on ' || quote_ident(ic.relname) end,
    case when i.indisreplident then
      'alter table only ' || c.oid::regclass::text || ' replica identity using index ' || quote_ident(ic.relname) end,
    'comment on index ' || ic.oid::regclass::text || ' is ' || quote_literal(obj_description(ic.oid, 'pg_class'))
  ], null))
from scope x
join pg_class c on c.oid = x.oid
join pg_class r on r.oid = x.root
join pg_namespace rs on rs.oid = r.relnamespace
join pg_index i on i.indrelid = c.oid and (i.indisvalid or c.relkind = 'p')
join pg_class ic on ic.oid = i.indexrelid
where not exists (select from pg_constraint k where k.conindid = ic.oid and k.contype in ('p', 'u', 'x'))
union all
select json_build_object(
  'node', 'attached/' || ic.oid, 'kind', 'attached_index', 'id', ic.oid::regclass::text,
  'table', c.oid::regclass::text,
  'root', json_build_object('schema', rs.nspname, 'name', r.relname),
  'since', 110000,
  'create', array['alter index ' || h.inhparent::regclass::text || ' attach partition ' || ic.oid::regclass::text])
from scope x
join pg_class c on c.oid = x.oid
join pg_class r on r.oid = x.root
join pg_namespace rs on rs.oid = r.relnamespace
join pg_index i on i.indrelid = c.oid
join pg_class ic on ic.oid = i.indexrelid
join pg_inherits h on h.inhrelid = ic.oid
union all
select json_build_object(
  'node', 'statistics/' || t.oid, 'kind', 'statistics', 'id', t.name, 'own', t.own, 'table', c.oid::regclass::text,
  'root', json_build_object('schema', rs.nspname, 'name', r.relname),
  'since', case
    when t.expressions then 140000
    when 'm' = any (t.stxkind) then 120000
    else 0 end,
  'create', array_remove(array[
    'create statistics ' || t.name || coalesce(' (' || (
      select string_agg(case y when 'd' then 'ndistinct' when 'f' then 'dependencies' else 'mcv' end, ', ')
      from unnest(t.stxkind) y
      where y <> 'e' and t.several) || ')', '')
      || ' on ' || t.columns || ' from ' || c.oid::regclass::text,
    'alter statistics ' || t.name || ' set statistics ' || t.target,
    'comment on statistics ' || t.name || ' is ' || quote_literal(obj_description(t.oid, 'pg_statistic_ext'))
  ], null))
from scope x
join pg_class c on c.oid = x.oid
join pg_class r on r.oid = x.root
join pg_namespace rs on rs.oid = r.relnamespace
join lateral (
  select e.oid, e.stxkind,
    case when pg_statistics_obj_is_visible(e.oid) then '' else quote_ident(s.nspname) || '.' end
      || quote_ident(e.stxname) as name,
    quote_ident(e.stxname) as own,
    to_jsonb(e) ->> 'stxexprs' is not null as expressions,
    -- One expression alone takes no kinds.
    e.stxkind <> array['e']::"char"[] as several,
    case when coalesce((to_jsonb(e) ->> 'stxstattarget')::int, -1) >= 0 then to_jsonb(e) ->> 'stxstattarget' end as target,
    -- The list of columns as the server prints it, between ON and the last FROM.
    substring(pg_get_statisticsobjdef(e.oid) from ' ON (.*) FROM ') as columns
  from pg_statistic_ext e join pg_namespace s on s.oid = e.stxnamespace
  where e.stxrelid = c.oid
) t on true
