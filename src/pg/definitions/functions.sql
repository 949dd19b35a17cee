-- Functions. Those can be made that are in SQL and PL/pgSQL, but for those that run with their owner's rights: on
-- the target they would run with those of whoever creates them.
select json_build_object(
  'node', n.class || '/' || n.oid, 'kind', 'function', 'id', p.oid::regprocedure::text,
  'called', case when pg_function_is_visible(p.oid) then '' else quote_ident(s.nspname) || '.' end || quote_ident(p.proname),
  'unmade', case
    when l.lanname = 'c' then 'in C'
    when l.lanname not in ('sql', 'plpgsql') then 'in ' || l.lanname
    when p.prosecdef then 'SECURITY DEFINER'
    when b.tree is not null and b.returned is null then 'one with a body of BEGIN ATOMIC' end,
  'make', case when l.lanname in ('sql', 'plpgsql') and not p.prosecdef and (b.tree is null or b.returned is not null)
      -- What no statement takes in: see `closes` in schema_object/text.rs. A function that no table needs is no obstacle.
      and concat(pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), b.returned) !~ '[$;\\]|--|/[*]'
    then json_build_object('function', json_build_object(
    'arguments', nullif(pg_get_function_arguments(p.oid), ''),
    'result', pg_get_function_result(p.oid),
    'language', l.lanname,
    'volatility', case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
    'parallel', case p.proparallel when 's' then 'safe' when 'r' then 'restricted' else 'unsafe' end,
    'strict', p.proisstrict,
    'settings', coalesce((
      select json_agg(json_build_object('name', (
        select string_agg(quote_ident(x), '.') from regexp_split_to_table(split_part(c.text, '=', 1), '\.') x), 'values', (
        select json_agg(btrim(v.value, '"') order by v.place) from regexp_split_to_table(
          substr(c.text, strpos(c.text, '=') + 1),
          -- Of the settings that are lists of names only this one matters to a function.
          case when c.text like 'search_path=%' then ', *' else '\Anothing' end) with ordinality v(value, place)))
        order by c.place)
      from unnest(p.proconfig) with ordinality c(text, place)), '[]'),
    'body', case when b.tree is null then p.prosrc end,
    'returned', b.returned)) end)
from needed n
join pg_proc p on n.class = 'pg_proc'::regclass and p.oid = n.oid
join pg_namespace s on s.oid = p.pronamespace
join pg_language l on l.oid = p.prolang
cross join lateral (select to_jsonb(p) as p) j
-- From PostgreSQL 14 a body may be a tree: RETURN is followed, BEGIN ATOMIC is not.
cross join lateral (select j.p ->> 'prosqlbody' as tree, case when j.p ->> 'prosqlbody' is not null
  then substring(pg_get_functiondef(p.oid) from '\nRETURN (.*)$') end as returned) b
where not n.extra
  and case when j.p ? 'prokind' then j.p ->> 'prokind' = 'f' else not (j.p ->> 'proisagg')::bool and not (j.p ->> 'proiswindow')::bool end
