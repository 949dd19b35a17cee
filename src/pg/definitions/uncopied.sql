-- What $schemas hold that pgsync does not copy, without what belongs to extensions, and the extensions of the database,
-- one JSON object a row.
-- Is parsed under an empty search path, so that no function of a user is meant.
select json_build_object('kind', 'extension', 'schema', 'pg_catalog', 'name', e.extname)
from pg_extension e where e.extname <> 'plpgsql'
union all
select json_build_object('kind', o.kind, 'schema', n.nspname, 'name', o.name) from (
  select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'foreign table' end,
    c.relnamespace, c.relname::text, 'pg_class'::regclass::oid, c.oid
  from pg_class c where c.relkind in ('v', 'm', 'f') and c.relpersistence <> 't'
  union all
  -- Partitions have those of their table.
  select 'trigger', c.relnamespace, concat_ws(' ', quote_ident(c.relname), t.tgname), 'pg_trigger'::regclass, t.oid
  from pg_trigger t join pg_class c on c.oid = t.tgrelid
  where not t.tgisinternal and coalesce(to_jsonb(t) ->> 'tgparentid', '0') = '0'
  union all
  select 'rule', c.relnamespace, concat_ws(' ', quote_ident(c.relname), r.rulename), 'pg_rewrite'::regclass, r.oid
  from pg_rewrite r join pg_class c on c.oid = r.ev_class where r.rulename <> '_RETURN'
  union all
  select 'policy', c.relnamespace, concat_ws(' ', quote_ident(c.relname), p.polname), 'pg_policy'::regclass, p.oid
  from pg_policy p join pg_class c on c.oid = p.polrelid
  union all
  select case
      when j.p ->> 'prokind' = 'p' then 'procedure'
      when coalesce(j.p ->> 'prokind', case j.p ->> 'proisagg' when 'true' then 'a' end) = 'a' then 'aggregate'
      when l.lanname in ('c', 'internal') then 'function in C'
      else 'function' end,
    p.pronamespace, format('%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)), 'pg_proc'::regclass, p.oid
  from pg_proc p join pg_language l on l.oid = p.prolang cross join lateral (select to_jsonb(p) as p) j
  -- The server has thousands: their texts are made for nobody.
  where p.pronamespace = any (array(select oid from pg_namespace where nspname = any ($schemas::name[])))
    -- Those of a range come with their type.
    and not exists (select from pg_depend d
      where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i' and d.refclassid = 'pg_type'::regclass)
) o(kind, namespace, name, class, oid)
join pg_namespace n on n.oid = o.namespace
where n.nspname = any ($schemas::name[]) and not exists (
  select from pg_depend d where d.classid = o.class and d.objid = o.oid and d.deptype = 'e')
