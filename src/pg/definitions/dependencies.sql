-- What the tables of $schemas are made of: `scope` has those tables and their partitions, `walk` the
-- dependencies that lead from them and from their indexes to types, sequences, schemas and extensions.
-- Operators and the like are followed only to the extension that they belong to. Schemas, types
-- and the like are all listed, also those that nothing needs: they may wait for the next table.
--
-- Is parsed under an empty search path, so that no function of a user is meant, and first sets the one
-- under which names are printed: it holds nothing but the schema whose name the target replaces, or
-- nothing. Names are printed with their schema, but for that one's.
with recursive path(text) as (
  select set_config('search_path', $path, true)
), scope(oid, root) as (
  select c.oid, c.oid from path cross join pg_class c join pg_namespace n on n.oid = c.relnamespace
  where path.text is not null and n.nspname = any ($schemas::name[]) and c.relkind in ('r', 'p') and not c.relispartition
    and c.relpersistence <> 't' and c.oid <> all ($held::oid[])
    and not exists (
      select from pg_depend d
      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
  union all
  select c.oid, s.root from scope s
  join pg_inherits i on i.inhparent = s.oid
  join pg_class c on c.oid = i.inhrelid and c.relispartition and c.relkind in ('r', 'p')
), seeds(class, oid) as (
  select 'pg_class'::regclass::oid, oid from scope
  union all
  select 'pg_class'::regclass, i.indexrelid from scope s join pg_index i on i.indrelid = s.oid
  union all
  select 'pg_namespace'::regclass, n.oid from pg_namespace n
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  union all
  select 'pg_extension'::regclass, e.oid from pg_extension e
  union all
  select 'pg_collation'::regclass, c.oid from pg_collation c where c.oid >= 16384
  union all
  select 'pg_type'::regclass, t.oid from pg_type t
  where t.oid >= 16384 and (t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and exists (
    select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
  union all
  select 'pg_class'::regclass, c.oid from pg_class c where c.relkind = 'S' and c.relpersistence <> 't'
), walk(from_class, from_oid, class, oid) as (
  select null::oid, null::oid, class, oid from seeds
  union
  select w.class, w.oid, x.class, x.oid
  from walk w cross join lateral (
    select d.refclassid, d.refobjid from pg_depend d
    where d.classid = w.class and d.objid = w.oid
      and (d.deptype = 'e' or w.class in (
        'pg_class'::regclass, 'pg_type'::regclass, 'pg_attrdef'::regclass,
        'pg_constraint'::regclass, 'pg_collation'::regclass, 'pg_extension'::regclass, 'pg_proc'::regclass,
        'pg_ts_config'::regclass, 'pg_ts_dict'::regclass))
      -- A sequence that a column owns is needed by the column, not the reverse.
      and not (d.deptype in ('a', 'i') and d.refobjsubid > 0 and d.refclassid = 'pg_class'::regclass
        and exists (select from pg_class s where s.oid = w.oid and s.relkind = 'S'))
    union all
    select 'pg_attrdef'::regclass, a.oid from pg_attrdef a
    where w.class = 'pg_class'::regclass and a.adrelid = w.oid
    union all
    -- Two looks, an index for each.
    select 'pg_constraint'::regclass, k.oid from pg_constraint k
    where k.contype = 'c' and w.class = 'pg_class'::regclass and k.conrelid = w.oid
    union all
    select 'pg_constraint'::regclass, k.oid from pg_constraint k
    where k.contype = 'c' and w.class = 'pg_type'::regclass and k.contypid = w.oid
    union all
    select 'pg_class'::regclass, d.objid
    from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S'
    where w.class = 'pg_class'::regclass and d.refclassid = w.class and d.refobjid = w.oid
      and d.classid = 'pg_class'::regclass and d.deptype = 'a'
    union all
    select 'pg_class'::regclass, t.typrelid from pg_type t
    where w.class = 'pg_type'::regclass and t.oid = w.oid and t.typtype = 'c'
    union all
    -- Of the functions that a body calls the catalog knows nothing: those count whose names stand in it.
    select 'pg_proc'::regclass, called.oid from pg_proc p join pg_proc called on called.oid >= 16384 and called.oid <> p.oid
    where w.class = 'pg_proc'::regclass and p.oid = w.oid and strpos(p.prosrc, called.proname) > 0
      and p.prosrc ~ ('\m' || regexp_replace(called.proname, '([^[:alnum:]_])', '\\\1', 'g') || '\M')
      and p.prolang in (select l.oid from pg_language l where l.lanname in ('sql', 'plpgsql'))
      and not exists (
        select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
      -- citext has a replace(), too: the built-in function is meant unless a schema or a type of the extension stands there.
      and not (exists (
          select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = called.oid and d.deptype = 'e')
        and exists (
          select from pg_proc own where own.proname = called.proname and own.pronamespace = 'pg_catalog'::regnamespace)
        and regexp_replace(p.prosrc, 'pg_catalog\s*\.', '', 'g') !~ ('\.\s*"?' || regexp_replace(called.proname, '([^[:alnum:]_])', '\\\1', 'g') || '\M')
        and not exists (
          select from pg_type t
          where t.oid >= 16384 and t.oid = any (called.proargtypes::oid[]) and strpos(p.prosrc, t.typname) > 0))
    union all
    -- Nor does it of text searches and sequences: those count that stand in quotes in it.
    select named.class, named.oid from pg_proc p join (
      select 'pg_ts_config'::regclass::oid, c.oid, c.cfgname from pg_ts_config c
      union all
      select 'pg_ts_dict'::regclass, d.oid, d.dictname from pg_ts_dict d
      union all
      -- That of an identity comes with its table.
      select 'pg_class'::regclass, s.oid, s.relname from pg_class s
      where s.relkind = 'S' and not exists (
        select from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = s.oid and d.deptype in ('i', 'e'))
    ) named(class, oid, name) on named.oid >= 16384
    cross join lateral (select regexp_replace(named.name, '([^[:alnum:]_])', '\\\1', 'g') as name offset 0) quoted
    where w.class = 'pg_proc'::regclass and p.oid = w.oid
      and (strpos(p.prosrc, named.name) > 0 and p.prosrc ~ ('[''".]' || quoted.name || '[''"]')
        or p.proconfig::text ~ ('default_text_search_config=[^,}]*' || quoted.name || '([,"}\\]|$)'))
      and p.prolang in (select l.oid from pg_language l where l.lanname in ('sql', 'plpgsql'))
      and not exists (
        select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  ) x(class, oid)
  where x.oid >= 16384 or x.class = 'pg_namespace'::regclass
), needed(class, oid, extra) as (
  -- Members of an extension are its own matter.
  select w.class, w.oid, exists (
    select from pg_depend d where d.classid = w.class and d.objid = w.oid and d.deptype = 'e')
  from (
    select class, oid from walk
    union
    -- Also functions and text searches that nothing needs: what they are called is not free.
    select 'pg_proc'::regclass, p.oid from pg_proc p where p.oid >= 16384 and not exists (
      select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
    union
    select 'pg_ts_config'::regclass, c.oid from pg_ts_config c where c.oid >= 16384
    union
    select 'pg_ts_dict'::regclass, d.oid from pg_ts_dict d where d.oid >= 16384
  ) w
)
select json_build_object(
  'node', from_class || '/' || from_oid,
  'needs', json_agg(class || '/' || oid))
from walk where from_class is not null
group by from_class, from_oid
