-- Of catalog.sql. Once for all columns: the types that are reached from a column's, each with what it is made of.
with recursive inside(root, oid) as (
  select x.atttypid, x.atttypid from (
    select distinct a.atttypid from pg_catalog.pg_attribute a
    join pg_catalog.pg_class r on r.oid operator(pg_catalog.=) a.attrelid
    where a.atttypid operator(pg_catalog.>=) 16384 and a.attnum operator(pg_catalog.>) 0
      and r.relkind operator(pg_catalog.=) any (array['r', 'p']::pg_catalog."char"[])) x
  union
  select inside.root, part.oid from inside
  join pg_catalog.pg_type it on it.oid operator(pg_catalog.=) inside.oid
  cross join lateral (
    select it.typelem union all select it.typbasetype union all
    select r.rngsubtype from pg_catalog.pg_range r where r.rngtypid operator(pg_catalog.=) it.oid union all
    select r.rngtypid from pg_catalog.pg_range r
    where it.typtype operator(pg_catalog.=) 'm'
      and (pg_catalog.to_jsonb(r) operator(pg_catalog.->>) 'rngmultitypid')::pg_catalog.oid operator(pg_catalog.=) it.oid union all
    select x.atttypid from pg_catalog.pg_attribute x
    where x.attrelid operator(pg_catalog.=) it.typrelid and not x.attisdropped) part(oid)
  where part.oid operator(pg_catalog.>=) 16384
)
select pg_catalog.jsonb_object_agg(made.root, made.of) as types from (
  select inside.root, pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(':', it.oid,
    it.typoutput::pg_catalog.oid, it.typbasetype, it.typtypmod,
    case
      when it.typtype operator(pg_catalog.=) 'e' then (
        select pg_catalog.string_agg(pg_catalog.concat(e.oid, '=', e.enumlabel), ',' order by e.enumsortorder)
        from pg_catalog.pg_enum e where e.enumtypid operator(pg_catalog.=) it.oid)
      when it.typtype operator(pg_catalog.=) 'd' then (
        select pg_catalog.string_agg(pg_catalog.concat(k.oid, '=', k.conbin::pg_catalog.text), ',' order by k.oid)
        from pg_catalog.pg_constraint k where k.contypid operator(pg_catalog.=) it.oid)
      when it.typtype operator(pg_catalog.=) 'c' then (
        select pg_catalog.string_agg(
          pg_catalog.concat_ws('=', x.attnum, x.attname, x.atttypid, x.atttypmod), ',' order by x.attnum)
        from pg_catalog.pg_attribute x
        where x.attrelid operator(pg_catalog.=) it.typrelid and x.attnum operator(pg_catalog.>) 0
          and not x.attisdropped)
      -- Another version of an extension may print the same bytes otherwise.
      when it.typtype operator(pg_catalog.=) 'b' then (
        select v.extversion from pg_catalog.pg_depend d
        join pg_catalog.pg_extension v on v.oid operator(pg_catalog.=) d.refobjid
        where d.classid operator(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
          and d.objid operator(pg_catalog.=) it.oid and d.deptype operator(pg_catalog.=) 'e'
          and d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass)
    end), ';' order by it.oid)) as of
  from inside join pg_catalog.pg_type it on it.oid operator(pg_catalog.=) inside.oid group by inside.root) made
