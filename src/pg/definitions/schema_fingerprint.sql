-- Short texts that are equal on both sides when there is nothing to make: of what comes before
-- rows, of what follows them, of settings and definitions in detail, and of what computes values. They
-- are told apart cheaply; what differs is then read whole. The last two are equal only between
-- servers of one major version. A fifth one, of functions and of expressions with numbers of its own server, can be
-- compared with what it was alone. No table is locked: expressions that name columns are not printed but
-- compared as the server stores them, without what each side numbers for itself.
with homes as (
  select n.oid, s.place from pg_catalog.unnest($schemas::pg_catalog.name[]) with ordinality as s(name, place)
  join pg_catalog.pg_namespace n on n.nspname operator(pg_catalog.=) s.name
), relations as (
  select c.oid, h.place, c.relname, c.relispartition, c.relpersistence, c.relreplident, c.reloptions, c.reltoastrelid, c.relpartbound, c.reloftype from pg_catalog.pg_class c join homes h on h.oid operator(pg_catalog.=) c.relnamespace
  where c.relkind operator(pg_catalog.=) any (array['r', 'p']::pg_catalog."char"[])
    and c.relpersistence operator(pg_catalog.<>) 't' and c.relname operator(pg_catalog.<>) $log::pg_catalog.name
), firsts as (
  -- With the types that can grow in place.
  select pg_catalog.concat_ws(' ', r.place, r.relname, r.relispartition, a.attname, t.typname, case when t.oid is not null then a.atttypmod end) as line
  from relations r left join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) r.oid
    and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
  left join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) a.atttypid and t.typname operator(pg_catalog.=) any
    (array['varchar', 'text', 'varbit', 'numeric', 'timestamp', 'timestamptz', 'time', 'timetz', 'cidr', 'inet']::pg_catalog.name[])
  union all
  select pg_catalog.concat_ws(' ', t.typname, e.enumlabel)
  from pg_catalog.pg_enum e join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) e.enumtypid
  union all
  -- Partitions may lie in other schemas.
  select pg_catalog.concat_ws(' ', r.place, r.relname, pg_catalog.count(*))
  from relations r join pg_catalog.pg_inherits i on i.inhparent operator(pg_catalog.=) r.oid
  group by r.place, r.relname
), others as (
  select pg_catalog.concat_ws(' ', r.place, r.relname, a.attname, a.attnotnull, a.attidentity) as line
  from relations r join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) r.oid
    and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, c.relname)
  from relations r join pg_catalog.pg_index i on i.indrelid operator(pg_catalog.=) r.oid
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) i.indexrelid
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, k.conname, k.contype, k.convalidated)
  from relations r join pg_catalog.pg_constraint k on k.conrelid operator(pg_catalog.=) r.oid
  where k.contype operator(pg_catalog.=) any (array['p', 'u', 'x', 'c', 'f']::pg_catalog."char"[])
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, e.stxname)
  from relations r join pg_catalog.pg_statistic_ext e on e.stxrelid operator(pg_catalog.=) r.oid
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, c.relname, 'attached')
  from relations r join pg_catalog.pg_index i on i.indrelid operator(pg_catalog.=) r.oid
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) i.indexrelid
  join pg_catalog.pg_inherits h on h.inhrelid operator(pg_catalog.=) i.indexrelid
), defaults as (
  select r.place, r.relname, r.oid as relation, f.oid, a.attname, f.adbin,
    pg_catalog.strpos(f.adbin::pg_catalog.text, '{VAR ') operator(pg_catalog.>) 0 as computed
  from relations r join pg_catalog.pg_attrdef f on f.adrelid operator(pg_catalog.=) r.oid
  join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) r.oid and a.attnum operator(pg_catalog.=) f.adnum
), trees as (
  select place, relname, relation, attname as name, 'd' as sort, 'pg_catalog.pg_attrdef'::pg_catalog.regclass as class, oid, adbin::pg_catalog.text as tree
  from defaults where computed
  union all
  select r.place, r.relname, r.oid, k.conname, 'c', 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, k.conbin::pg_catalog.text
  from relations r join pg_catalog.pg_constraint k on k.conrelid operator(pg_catalog.=) r.oid
  where $detailed and k.contype operator(pg_catalog.=) 'c'
  union all
  select r.place, r.relname, r.oid, c.relname, 'i', 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid,
    pg_catalog.concat_ws(' / ', i.indexprs::pg_catalog.text, i.indpred::pg_catalog.text)
  from relations r join pg_catalog.pg_index i on i.indrelid operator(pg_catalog.=) r.oid
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) i.indexrelid
  where $detailed and (i.indexprs is not null or i.indpred is not null)
  union all
  select r.place, r.relname, r.oid, '', 'p', 'pg_catalog.pg_class'::pg_catalog.regclass, r.oid, p.partexprs::pg_catalog.text
  from relations r join pg_catalog.pg_partitioned_table p on p.partrelid operator(pg_catalog.=) r.oid
  where $detailed and p.partexprs is not null
  union all
  -- Of PostgreSQL 14 and later.
  select r.place, r.relname, r.oid, e.stxname, 's', 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, e.oid, x.tree
  from relations r join pg_catalog.pg_statistic_ext e on e.stxrelid operator(pg_catalog.=) r.oid
  cross join lateral (select pg_catalog.to_json(e) operator(pg_catalog.->>) 'stxexprs' as tree) x
  where $detailed and x.tree is not null
), expressions as (
  -- With the names of the columns and functions that it needs, in place of their numbers. Constants of
  -- users' types have numbers too: of a column that is computed they stay, and are read in full then.
  select t.sort, pg_catalog.concat_ws(' ', t.place, t.relname, t.sort, t.name, pg_catalog.regexp_replace(
      pg_catalog.regexp_replace(case when t.sort operator(pg_catalog.=) 'd' then named.tree
        else pg_catalog.regexp_replace(named.tree, 'consttype [0-9]{5,} [^]]*\]', '', 'g') end,
        '[0-9]{5,}', '', 'g'), '[nto] -?[0-9]*', '', 'g'), (
    select pg_catalog.string_agg(coalesce(p.proname, a.attname)::pg_catalog.text, ' ' order by coalesce(p.proname, a.attname))
    from pg_catalog.pg_depend d
    left join pg_catalog.pg_proc p on d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
      and p.oid operator(pg_catalog.=) d.refobjid
    left join pg_catalog.pg_attribute a on d.refobjid operator(pg_catalog.=) t.relation
      and a.attrelid operator(pg_catalog.=) t.relation and a.attnum operator(pg_catalog.=) d.refobjsubid
    where d.classid operator(pg_catalog.=) t.class and d.objid operator(pg_catalog.=) t.oid)) as line
  from trees t
  cross join lateral (
    select pg_catalog.string_agg(case when x.place operator(pg_catalog.=) 1 then x.part
      else pg_catalog.concat('{VAR ', a.attname, pg_catalog.regexp_replace(x.part, '^-?[0-9]+', '')) end, '' order by x.place) as tree
    from pg_catalog.regexp_split_to_table(t.tree, '{VAR :varno [0-9]+ :varattno ') with ordinality x(part, place)
    left join pg_catalog.pg_attribute a on x.place operator(pg_catalog.>) 1 and a.attrelid operator(pg_catalog.=) t.relation
      and a.attnum::pg_catalog.text operator(pg_catalog.=) pg_catalog.substring(x.part, '^-?[0-9]+')
  ) named
), details as (
  select pg_catalog.concat_ws(' ', d.place, d.relname, d.attname, pg_catalog.pg_get_expr(d.adbin, 0)) as line
  from defaults d where not d.computed
  union all
  -- Which columns own sequences.
  select pg_catalog.concat_ws(' ', r.place, r.relname, a.attname, 'owns')
  from relations r join pg_catalog.pg_depend d on d.refobjid operator(pg_catalog.=) r.oid
    and d.classid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
    and d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
    and d.deptype operator(pg_catalog.=) 'a' and d.refobjsubid operator(pg_catalog.>) 0
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) d.objid and c.relkind operator(pg_catalog.=) 'S'
  join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) r.oid and a.attnum operator(pg_catalog.=) d.refobjsubid
  union all
  select line from expressions where sort operator(pg_catalog.<>) 'd'
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, a.attname, a.attstorage, a.attoptions::pg_catalog.text, a.attstattarget$compression, co.collname)
  from relations r join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) r.oid
    and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
  join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) a.atttypid
  left join pg_catalog.pg_collation co on co.oid operator(pg_catalog.=) a.attcollation
    and a.attcollation operator(pg_catalog.<>) t.typcollation
  where a.attstorage operator(pg_catalog.<>) t.typstorage or co.oid is not null or a.attoptions is not null
    or a.attstattarget operator(pg_catalog.>=) 0$compressed
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, r.relpersistence, r.relreplident, r.reloptions::pg_catalog.text, long.reloptions::pg_catalog.text, (
      select y.typname from pg_catalog.pg_type y where y.oid operator(pg_catalog.=) r.reloftype), case
    when r.relispartition then pg_catalog.pg_get_expr(r.relpartbound, 0) end, p.partstrat, (
      select pg_catalog.string_agg(pg_catalog.concat_ws(' ', coalesce(a.attname, '-'), o.opcname), ' ' order by u.place)
      from rows from (pg_catalog.unnest(p.partattrs::pg_catalog.int2[]), pg_catalog.unnest(p.partclass::pg_catalog.oid[]))
        with ordinality as u(number, class, place)
      join pg_catalog.pg_opclass o on o.oid operator(pg_catalog.=) u.class
      left join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) r.oid and a.attnum operator(pg_catalog.=) u.number))
  from relations r left join pg_catalog.pg_class long on long.oid operator(pg_catalog.=) r.reltoastrelid
  left join pg_catalog.pg_partitioned_table p on p.partrelid operator(pg_catalog.=) r.oid
  union all
  -- Of domains, also those within arrays and domains.
  select pg_catalog.concat_ws(' ', t.typname, k.conname, pg_catalog.pg_get_expr(k.conbin, 0))
  from pg_catalog.pg_constraint k join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) k.contypid
  where k.contype operator(pg_catalog.=) 'c' and t.oid operator(pg_catalog.=) any (array(
    select u.type from relations r join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) r.oid and not a.attisdropped
    join pg_catalog.pg_type own on own.oid operator(pg_catalog.=) a.atttypid
    cross join lateral (values (own.oid), (own.typelem), (own.typbasetype)) u(type)))
  union all
  select pg_catalog.concat_ws(' ', t.typname, t.typnotnull, pg_catalog.pg_get_expr(t.typdefaultbin, 0))
  from pg_catalog.pg_type t
  where t.typtype operator(pg_catalog.=) 'd' and t.oid operator(pg_catalog.=) any (array(
    select u.type from relations r join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) r.oid and not a.attisdropped
    join pg_catalog.pg_type own on own.oid operator(pg_catalog.=) a.atttypid
    cross join lateral (values (own.oid), (own.typelem), (own.typbasetype)) u(type)))
  union all
  -- Which columns are of a domain, or of arrays of one.
  select pg_catalog.concat_ws(' ', r.place, r.relname, a.attname, own.typname)
  from relations r join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) r.oid
    and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
  join pg_catalog.pg_type own on own.oid operator(pg_catalog.=) a.atttypid
  where own.typtype operator(pg_catalog.=) 'd' or exists (select from pg_catalog.pg_type e
    where e.oid operator(pg_catalog.=) own.typelem and e.typtype operator(pg_catalog.=) 'd')
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, 'in', c.relname)
  from relations r join pg_catalog.pg_inherits i on i.inhrelid operator(pg_catalog.=) r.oid
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) i.inhparent
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, coalesce(a.attname, '-'), d.description)
  from relations r join pg_catalog.pg_description d on d.objoid operator(pg_catalog.=) r.oid
    and d.classoid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
  left join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) r.oid and a.attnum operator(pg_catalog.=) d.objsubid
    and d.objsubid operator(pg_catalog.>) 0
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, c.relname, d.description)
  from pg_catalog.pg_description d join pg_catalog.pg_index i on i.indexrelid operator(pg_catalog.=) d.objoid
    and d.classoid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
  join relations r on r.oid operator(pg_catalog.=) i.indrelid
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) i.indexrelid
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, k.conname, d.description)
  from pg_catalog.pg_description d join pg_catalog.pg_constraint k on k.oid operator(pg_catalog.=) d.objoid
    and d.classoid operator(pg_catalog.=) 'pg_catalog.pg_constraint'::pg_catalog.regclass
  join relations r on r.oid operator(pg_catalog.=) k.conrelid
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, c.relname, am.amname, i.indisunique, i.indisclustered, i.indisreplident,
    i.indoption::pg_catalog.text, c.reloptions::pg_catalog.text, pg_catalog.to_json(i) operator(pg_catalog.->>) 'indnullsnotdistinct', (
      -- The columns as they are called now: an index keeps the names that they had.
      select pg_catalog.string_agg(pg_catalog.concat_ws(' ', coalesce(a.attname, '-'), o.opcname), ' ' order by u.place)
      from rows from (pg_catalog.unnest(i.indkey::pg_catalog.int2[]), pg_catalog.unnest(i.indclass::pg_catalog.oid[]))
        with ordinality as u(number, class, place)
      left join pg_catalog.pg_opclass o on o.oid operator(pg_catalog.=) u.class
      left join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) r.oid and a.attnum operator(pg_catalog.=) u.number))
  from relations r join pg_catalog.pg_index i on i.indrelid operator(pg_catalog.=) r.oid
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) i.indexrelid
  join pg_catalog.pg_am am on am.oid operator(pg_catalog.=) c.relam
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, c.relname, a.attnum, a.attname, co.collname)
  from relations r join pg_catalog.pg_index i on i.indrelid operator(pg_catalog.=) r.oid
  join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) i.indexrelid
  join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) i.indexrelid
  left join pg_catalog.pg_collation co on co.oid operator(pg_catalog.=) a.attcollation
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, k.conname, k.condeferrable, k.condeferred,
    k.contype operator(pg_catalog.=) 'c' and k.connoinherit, k.confupdtype,
    k.confdeltype, k.confmatchtype, case
      when k.contype operator(pg_catalog.=) 'f' then pg_catalog.to_json(k) operator(pg_catalog.->>) 'confdelsetcols' end, coalesce(ph.place::pg_catalog.text, pn.nspname::pg_catalog.text), p.relname, case
    when k.contype operator(pg_catalog.=) 'x' then (
      select pg_catalog.string_agg(o.oprname, ' ' order by u.place)
      from pg_catalog.unnest(k.conexclop) with ordinality as u(number, place)
      join pg_catalog.pg_operator o on o.oid operator(pg_catalog.=) u.number)
    when p.oid is not null then (
      select pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attname, b.attname), ' ' order by u.place)
      from rows from (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) with ordinality as u(child, parent, place)
      join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) k.conrelid and a.attnum operator(pg_catalog.=) u.child
      join pg_catalog.pg_attribute b on b.attrelid operator(pg_catalog.=) k.confrelid and b.attnum operator(pg_catalog.=) u.parent) end)
  from relations r join pg_catalog.pg_constraint k on k.conrelid operator(pg_catalog.=) r.oid
  left join pg_catalog.pg_class p on p.oid operator(pg_catalog.=) k.confrelid
  left join pg_catalog.pg_namespace pn on pn.oid operator(pg_catalog.=) p.relnamespace
  left join homes ph on ph.oid operator(pg_catalog.=) p.relnamespace
  where k.contype operator(pg_catalog.=) any (array['p', 'u', 'x', 'c', 'f']::pg_catalog."char"[])
  union all
  -- From PostgreSQL 18 on each NOT NULL is one.
  select pg_catalog.concat_ws(' ', r.place, r.relname, a.attname, k.conname, k.conislocal, k.connoinherit, k.convalidated)
  from relations r join pg_catalog.pg_constraint k on k.conrelid operator(pg_catalog.=) r.oid
    and k.contype operator(pg_catalog.=) 'n'
  join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) r.oid and a.attnum operator(pg_catalog.=) k.conkey[1]
  union all
  select pg_catalog.concat_ws(' ', r.place, r.relname, e.stxname, e.stxkind::pg_catalog.text,
    pg_catalog.to_json(e) operator(pg_catalog.->>) 'stxstattarget', (
    select pg_catalog.string_agg(a.attname, ' ' order by a.attname) from pg_catalog.pg_attribute a
    where a.attrelid operator(pg_catalog.=) r.oid and a.attnum operator(pg_catalog.=) any (e.stxkeys::pg_catalog.int2[])))
  from relations r join pg_catalog.pg_statistic_ext e on e.stxrelid operator(pg_catalog.=) r.oid
), functions as (
  -- With what tells that one was altered. What is in C (13 on all servers) says nothing more than its name, which stands
  -- with the expressions.
  select p.oid, p.xmin, n.nspname, p.pronamespace operator(pg_catalog.=) any (select h.oid from homes h) as is_ours
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) p.pronamespace
  where $detailed and p.oid operator(pg_catalog.>=) 16384::pg_catalog.oid and p.prolang operator(pg_catalog.<>) 13::pg_catalog.oid
    and not exists (
      select from pg_catalog.pg_depend d
      where d.classid operator(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid operator(pg_catalog.=) p.oid
        and d.deptype operator(pg_catalog.=) 'e')
), own as (
  select pg_catalog.concat_ws(' ', t.place, t.relname, t.sort, t.name, t.tree) as line from trees t
  where t.sort operator(pg_catalog.<>) 'd' and t.tree operator(pg_catalog.~) ' [0-9]{5,}'
  union all
  -- Those of other schemas, if one of ours may call them, or a definition does.
  select pg_catalog.concat_ws(' ', f.oid, f.xmin, f.nspname) from functions f
  where exists (select from functions other where other.is_ours) or exists (
    select from pg_catalog.pg_depend d join functions called on called.oid operator(pg_catalog.=) d.refobjid
    where d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass and d.refobjid operator(pg_catalog.>=) 16384::pg_catalog.oid
      and d.classid operator(pg_catalog.=) any (array['pg_catalog.pg_attrdef', 'pg_catalog.pg_constraint', 'pg_catalog.pg_class',
        'pg_catalog.pg_type', 'pg_catalog.pg_statistic_ext']::pg_catalog.regclass[]::pg_catalog.oid[]))
  union all
  -- Expressions have numbers of text searches within constants.
  select pg_catalog.concat_ws(' ', c.oid, c.xmin, m.mapdict, m.xmin) from pg_catalog.pg_ts_config c
  left join pg_catalog.pg_ts_config_map m on m.mapcfg operator(pg_catalog.=) c.oid
  where $detailed and c.oid operator(pg_catalog.>=) 16384::pg_catalog.oid
  union all
  select pg_catalog.concat_ws(' ', d.oid, d.xmin) from pg_catalog.pg_ts_dict d
  where $detailed and d.oid operator(pg_catalog.>=) 16384::pg_catalog.oid
)
select
  (select pg_catalog.md5(pg_catalog.string_agg(line, ',' order by line collate "C")) from firsts),
  (select pg_catalog.md5(pg_catalog.string_agg(line, ',' order by line collate "C")) from others),
  $details,
  (select pg_catalog.md5(pg_catalog.string_agg(line, ',' order by line collate "C")) from expressions
    where sort operator(pg_catalog.=) 'd'),
  (select pg_catalog.md5(pg_catalog.string_agg(line, ',' order by line collate "C")) from own)
