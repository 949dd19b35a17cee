-- Every table of the schemas in $schemas, one JSON object a row. Written for PostgreSQL 10 to 18:
-- `(select attgenerated from (select a.*) x)` finds no such column in an older catalog, and then means
-- that of `older`.
-- The hole for operator classes gives `opcname, schema, oprname, equals_schema` of the operator class `oc`.
-- $hypertable says whether `n.nspname, c.relname` is a hypertable of TimescaleDB.
-- Not listed: views, foreign and temporary tables, partitions (their parent stands for them, as for
-- chunks of hypertables), tables of extensions.
select pg_catalog.json_build_object(
  'oid', c.oid::pg_catalog.int8,
  'schema', n.nspname,
  'name', c.relname,
  'partitioned', c.relkind operator(pg_catalog.=) 'p' or $hypertable,
  'partition_tree', c.relkind operator(pg_catalog.=) 'p'
    and pg_catalog.to_regprocedure('pg_catalog.pg_partition_tree(regclass)') is not null,
  'hypertables', coalesce(pg_catalog.has_table_privilege(
    pg_catalog.to_regclass('_timescaledb_catalog.hypertable')::pg_catalog.oid, 'select'), false),
  -- Temporary ones are seen by the session that made them, and by nobody else.
  'inherited_by', case when c.relhassubclass and c.relkind operator(pg_catalog.=) 'r' and not $hypertable then coalesce((
    with recursive children(oid, parent) as (
      select h.inhrelid, h.inhparent from pg_catalog.pg_inherits h
      where h.inhparent operator(pg_catalog.=) c.oid
      union
      select h.inhrelid, h.inhparent from pg_catalog.pg_inherits h
      join children on children.oid operator(pg_catalog.=) h.inhparent
    )
    select pg_catalog.json_agg(pg_catalog.json_build_object(
      'schema', hn.nspname,
      'name', hc.relname,
      'kind', hc.relkind,
      'parent', pg_catalog.json_build_object('schema', pn.nspname, 'name', pc.relname),
      'columns', array(
        select ha.attname from pg_catalog.pg_attribute ha
        where ha.attrelid operator(pg_catalog.=) hc.oid and ha.attnum operator(pg_catalog.>) 0 and not ha.attisdropped)
    ) order by hn.nspname, hc.relname, pn.nspname, pc.relname)
    from children
    join pg_catalog.pg_class hc on hc.oid operator(pg_catalog.=) children.oid
    join pg_catalog.pg_namespace hn on hn.oid operator(pg_catalog.=) hc.relnamespace
    join pg_catalog.pg_class pc on pc.oid operator(pg_catalog.=) children.parent
    join pg_catalog.pg_namespace pn on pn.oid operator(pg_catalog.=) pc.relnamespace
    where hc.relpersistence operator(pg_catalog.<>) 't'
  ), '[]') else '[]' end,
  'of_type', (
    select pg_catalog.format('%I.%I', yn.nspname, y.typname)
    from pg_catalog.pg_type y join pg_catalog.pg_namespace yn on yn.oid operator(pg_catalog.=) y.typnamespace
    where y.oid operator(pg_catalog.=) c.reloftype),
  'rows', tree.rows,
  'bytes', tree.bytes,
  'pages', tree.pages,
  'storage', tree.storage,
  'owned', pg_catalog.pg_has_role(c.relowner, 'usage'),
  'columns', coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', a.attname,
      'type_schema', tn.nspname,
      'type_name', t.typname,
      'type_text', pg_catalog.format_type(a.atttypid, a.atttypmod),
      'type_modifier', a.atttypmod,
      'not_null', a.attnotnull,
      'generated', (select attgenerated from (select a.*) x) operator(pg_catalog.<>) '',
      'identity_always', a.attidentity operator(pg_catalog.=) 'a',
      'identity', a.attidentity operator(pg_catalog.<>) '',
      'has_default', a.atthasdef or a.attidentity operator(pg_catalog.<>) '',
      'inherited', a.attinhcount operator(pg_catalog.>) 0,
      'nondeterministic', coalesce((
        select not (select collisdeterministic from (select co.*) x)
        from pg_catalog.pg_collation co where co.oid operator(pg_catalog.=) a.attcollation), false),
      'floats', $floats,
      'output', case when tn.nspname operator(pg_catalog.=) 'pg_catalog' then (
        select p.proname from pg_catalog.pg_proc p
        where p.oid operator(pg_catalog.=) t.typoutput::pg_catalog.oid
          and p.pronamespace operator(pg_catalog.=) t.typnamespace
          -- That of refcursor takes text.
          and p.proargtypes[0] operator(pg_catalog.=) any (array[t.oid, 'pg_catalog.anyarray'::pg_catalog.regtype::pg_catalog.oid,
            'pg_catalog.anyrange'::pg_catalog.regtype::pg_catalog.oid, pg_catalog.to_regtype('pg_catalog.anymultirange')::pg_catalog.oid])) end,
      'type_oid', t.oid::pg_catalog.int8,
      'parts', $parts,
      -- Changes when a change of definition lets values say something else that nobody wrote: another column
      -- under an old name, a renamed label. By numbers and parse trees, which no search path and no rename of
      -- something else changes. Types below 16384 come with the server.
      'definition', pg_catalog.concat_ws('/', a.attnum, a.atttypid, a.atttypmod,
        case when (select attgenerated from (select a.*) x) operator(pg_catalog.<>) '' then (
          select pg_catalog.md5(f.adbin::pg_catalog.text) from pg_catalog.pg_attrdef f
          where f.adrelid operator(pg_catalog.=) c.oid and f.adnum operator(pg_catalog.=) a.attnum) end,
        made_by_users.types operator(pg_catalog.->>) a.atttypid::pg_catalog.text)
    ) order by a.attnum)
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) a.atttypid
    join pg_catalog.pg_namespace tn on tn.oid operator(pg_catalog.=) t.typnamespace
    where a.attrelid operator(pg_catalog.=) c.oid and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
  ), '[]'),
  'keys', coalesce((
    select pg_catalog.json_agg(k.key order by k.rank, k.name) from (
      select ic.relname as name, not i.indisprimary as rank, pg_catalog.json_build_object(
        'index', ic.relname,
        'primary', i.indisprimary,
        'deferrable', not i.indimmediate,
        'replica_identity', i.indisreplident,
        'columns', pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', a.attname,
          'equals_schema', oc.equals_schema,
          'equals_name', oc.oprname,
          'opclass', pg_catalog.json_build_object('schema', oc.schema, 'name', oc.opcname),
          'collation', (
            select pg_catalog.json_build_object('schema', cn.nspname, 'name', co.collname)
            from pg_catalog.pg_collation co
            join pg_catalog.pg_namespace cn on cn.oid operator(pg_catalog.=) co.collnamespace
            where co.oid operator(pg_catalog.=) u.collated),
          'nondeterministic', coalesce((
            select not (select collisdeterministic from (select co.*) x)
            from pg_catalog.pg_collation co where co.oid operator(pg_catalog.=) u.collated), false),
          'as_column', u.collated operator(pg_catalog.=) a.attcollation) order by u.place)
      ) as key
      from pg_catalog.pg_index i
      join pg_catalog.pg_class ic on ic.oid operator(pg_catalog.=) i.indexrelid
      cross join lateral rows from (
        pg_catalog.unnest(i.indkey::pg_catalog.int2[]),
        pg_catalog.unnest(i.indclass::pg_catalog.oid[]),
        pg_catalog.unnest(i.indcollation::pg_catalog.oid[])) with ordinality as u(attnum, opclass, collated, place)
      cross join lateral (select coalesce((select indnkeyatts from (select i.*) x), i.indnatts) as columns) n
      join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) c.oid
        and a.attnum operator(pg_catalog.=) u.attnum
      -- Apart, because the planner overrates the rows of unnest and would go through all of them.
      cross join lateral (
        $opclass
        where oc.oid operator(pg_catalog.=) u.opclass offset 0) oc
      where i.indrelid operator(pg_catalog.=) c.oid and i.indisunique and i.indisvalid
        and i.indpred is null and i.indexprs is null
        and ic.relam operator(pg_catalog.=) (
          select am.oid from pg_catalog.pg_am am where am.amname operator(pg_catalog.=) 'btree')
        and u.place operator(pg_catalog.<=) n.columns
      group by ic.relname, i.indisprimary, i.indimmediate, i.indisreplident, n.columns
      having pg_catalog.bool_and(a.attnotnull and not exists (
          -- From PostgreSQL 18, where a NOT NULL that is not validated lets old NULLs be.
          select from pg_catalog.pg_constraint nn
          where nn.conrelid operator(pg_catalog.=) c.oid and nn.contype operator(pg_catalog.=) 'n'
            and not nn.convalidated and a.attnum operator(pg_catalog.=) any (nn.conkey)))
        and pg_catalog.count(*) operator(pg_catalog.=) n.columns
    ) k
  ), '[]'),
  'uniques', coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', ic.relname,
      'exclusion', i.indisexclusion,
      'deferrable', not i.indimmediate,
      'constraint', exists (
        select from pg_catalog.pg_constraint k
        where k.conrelid operator(pg_catalog.=) c.oid and k.conindid operator(pg_catalog.=) i.indexrelid
          and k.contype in ('u', 'x')),
      'nulls_distinct', not (select indnullsnotdistinct from (select i.*) x),
      -- Those of its expressions come last, without those that its predicate names.
      'columns', (
        select coalesce(pg_catalog.json_agg(x.attname order by x.place), '[]') from (
          select a.attname, coalesce(u.place, 1000) as place
          from pg_catalog.pg_attribute a
          left join pg_catalog.unnest(i.indkey::pg_catalog.int2[]) with ordinality as u(attnum, place)
            on u.attnum operator(pg_catalog.=) a.attnum
          where a.attrelid operator(pg_catalog.=) c.oid and a.attnum operator(pg_catalog.>) 0
            and (u.place operator(pg_catalog.<=) coalesce((select indnkeyatts from (select i.*) x), i.indnatts)
              or u.place is null and i.indexprs is not null and exists (
                select from pg_catalog.pg_depend d
                where d.classid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                  and d.objid operator(pg_catalog.=) i.indexrelid
                  and d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                  and d.refobjid operator(pg_catalog.=) c.oid and d.refobjsubid operator(pg_catalog.=) a.attnum)
              and (i.indpred is null or pg_catalog.strpos(
                pg_catalog.pg_get_expr(i.indpred, c.oid), pg_catalog.quote_ident(a.attname)) operator(pg_catalog.=) 0))
        ) x)
    ) order by ic.relname)
    from pg_catalog.pg_index i
    join pg_catalog.pg_class ic on ic.oid operator(pg_catalog.=) i.indexrelid
    where i.indrelid operator(pg_catalog.=) c.oid and (i.indisunique or i.indisexclusion) and not i.indisprimary
  ), '[]'),
  'checks', coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_object('name', k.conname, 'validated', k.convalidated, 'columns', coalesce((
      select pg_catalog.json_agg(a.attname)
      from pg_catalog.pg_attribute a
      where a.attrelid operator(pg_catalog.=) k.conrelid and a.attnum operator(pg_catalog.=) any (k.conkey)), '[]')) order by k.conname)
    from pg_catalog.pg_constraint k
    where k.conrelid operator(pg_catalog.=) c.oid and k.contype operator(pg_catalog.=) 'c'
  ), '[]'),
  'sequences', coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_object(
      'schema', sn.nspname,
      'name', sc.relname,
      'column', a.attname,
      'start', s.seqstart,
      'increment', s.seqincrement,
      'least', s.seqmin,
      'greatest', s.seqmax,
      'readable', r.readable,
      'settable', r.settable,
      'plain', u.owned or coalesce(u.plain, false),
      'serial', u.serial,
      'indexed', exists (
        select from pg_catalog.pg_index i
        where i.indrelid operator(pg_catalog.=) c.oid and i.indkey[0] operator(pg_catalog.=) a.attnum
          and i.indpred is null and i.indisvalid)
    ) order by a.attnum, sc.relname)
    from (
      select d.objid, d.refobjsubid as attnum, true as owned, true as plain,
        d.deptype operator(pg_catalog.=) 'a' as serial
      from pg_catalog.pg_depend d
      where d.classid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.refobjid operator(pg_catalog.=) c.oid
        and d.deptype operator(pg_catalog.=) any (array['a', 'i']::pg_catalog."char"[])
      union all
      -- What a default draws from, whoever owns it; generated columns are none.
      select d.refobjid, f.adnum, false, case
        when pg_catalog.strpos(f.adbin::pg_catalog.text, '{VAR ') operator(pg_catalog.=) 0
        then pg_catalog.pg_get_expr(f.adbin, 0) operator(pg_catalog.~) '^nextval\(''([^'']|'''')*''::regclass\)$' end, false
      from pg_catalog.pg_attrdef f
      join pg_catalog.pg_depend d on d.classid operator(pg_catalog.=) 'pg_catalog.pg_attrdef'::pg_catalog.regclass
        and d.objid operator(pg_catalog.=) f.oid and d.deptype operator(pg_catalog.=) 'n'
        and d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
      where f.adrelid operator(pg_catalog.=) c.oid and not exists (
        select from pg_catalog.pg_depend o
        where o.classid operator(pg_catalog.=) d.refclassid and o.objid operator(pg_catalog.=) d.refobjid
          and o.refclassid operator(pg_catalog.=) d.refclassid and o.refobjid operator(pg_catalog.=) c.oid
          and o.refobjsubid operator(pg_catalog.=) f.adnum
          and o.deptype operator(pg_catalog.=) any (array['a', 'i']::pg_catalog."char"[]))
    ) u
    join pg_catalog.pg_sequence s on s.seqrelid operator(pg_catalog.=) u.objid
    join pg_catalog.pg_class sc on sc.oid operator(pg_catalog.=) u.objid
    join pg_catalog.pg_namespace sn on sn.oid operator(pg_catalog.=) sc.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) c.oid
      and a.attnum operator(pg_catalog.=) u.attnum
    -- A standby cannot read what is not logged. Without `offset 0` each would be asked twice, and answer twice.
    cross join lateral (select
      pg_catalog.has_sequence_privilege(sc.oid, 'select')
        and (sc.relpersistence operator(pg_catalog.=) 'p' or not pg_catalog.pg_is_in_recovery()) as readable,
      pg_catalog.has_sequence_privilege(sc.oid, 'update') as settable offset 0) r
    -- Of one that was dropped since the snapshot they are NULL. Whoever needs its table finds that out when he reads it.
    where r.readable is not null and r.settable is not null
  ), '[]'),
  'triggers', coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', t.tgname,
      'fires', t.tgenabled,
      'internal', t.tgisinternal,
      'on', pg_catalog.json_build_object('schema', rn.nspname, 'name', r.relname)
    ) order by t.tgname, rn.nspname, r.relname)
    from pg_catalog.pg_trigger t
    join pg_catalog.pg_class r on r.oid operator(pg_catalog.=) t.tgrelid
    join pg_catalog.pg_namespace rn on rn.oid operator(pg_catalog.=) r.relnamespace
    left join pg_catalog.pg_constraint k on k.oid operator(pg_catalog.=) t.tgconstraint
    -- Before PostgreSQL 13 what a partition has from its parent counts as internal.
    where t.tgrelid operator(pg_catalog.=) any (tree.oids)
      and (not t.tgisinternal or k.oid is null or k.contype operator(pg_catalog.=) 't')
      and t.tgenabled operator(pg_catalog.<>) 'D'
  ), '[]'),
  'rules', coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_object('name', r.rulename, 'fires', r.ev_enabled)
      order by r.rulename)
    from pg_catalog.pg_rewrite r where r.ev_class operator(pg_catalog.=) c.oid
  ), '[]'),
  'row_security', pg_catalog.row_security_active(c.oid),
  'subscribed', exists (
    select from pg_catalog.pg_subscription_rel r where r.srrelid operator(pg_catalog.=) any (tree.oids)),
  'missing_privileges', coalesce((
    select pg_catalog.json_agg(x.privilege order by x.place)
    from pg_catalog.unnest(array['usage', 'select', 'insert', 'update', 'delete', 'references']) with ordinality x(privilege, place)
    where not case when x.privilege operator(pg_catalog.=) 'usage' then pg_catalog.has_schema_privilege(c.relnamespace, x.privilege)
      when x.privilege operator(pg_catalog.=) 'delete' then pg_catalog.has_table_privilege(c.oid, x.privilege)
      else pg_catalog.has_any_column_privilege(c.oid, x.privilege) end
  ), '[]'),
  'partial_privileges', coalesce((
    select pg_catalog.json_agg(x.privilege order by x.place)
    from pg_catalog.unnest(array['select', 'insert', 'update']) with ordinality x(privilege, place)
    where pg_catalog.has_any_column_privilege(c.oid, x.privilege) and not pg_catalog.has_table_privilege(c.oid, x.privilege)
  ), '[]'),
  'hidden_columns', case when pg_catalog.has_any_column_privilege(c.oid, 'select')
    and not pg_catalog.has_table_privilege(c.oid, 'select') then coalesce((
    select pg_catalog.json_agg(a.attname order by a.attnum operator(pg_catalog.<) 0, a.attnum)
    from pg_catalog.pg_attribute a
    where a.attrelid operator(pg_catalog.=) c.oid and not a.attisdropped
      and (a.attnum operator(pg_catalog.>) 0 or a.attname operator(pg_catalog.=) 'ctid')
      and not pg_catalog.has_column_privilege(c.oid, a.attnum, 'select')
  ), '[]') else '[]' end
)
from (values (''::pg_catalog."char", null::pg_catalog.int2, false, true, null::pg_catalog.oid, false))
  older(attgenerated, indnkeyatts, indnullsnotdistinct, collisdeterministic, rngmultitypid, inhdetachpending)
cross join ($user_types) made_by_users
cross join pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
cross join lateral (
  with recursive parts(oid) as (
    select c.oid where true
    union
    select h.inhrelid from pg_catalog.pg_inherits h
    join parts on parts.oid operator(pg_catalog.=) h.inhparent
    where (c.relkind operator(pg_catalog.=) 'p' or $hypertable)
      -- One that is being detached is shown by no read any more.
      and not (select inhdetachpending from (select h.*) x)
  )
  select
    pg_catalog.sum(greatest(p.reltuples, 0)) as rows,
    -- From statistics: pg_relation_size waits for whoever locks the table.
    pg_catalog.sum(greatest(pages.own, pages.guessed))::pg_catalog.int8 as pages,
    (pg_catalog.sum(greatest(pages.own operator(pg_catalog.+) pages.toast, pages.guessed))
      operator(pg_catalog.*) pg_catalog.current_setting('block_size')::pg_catalog.int8)::pg_catalog.int8 as bytes,
    pg_catalog.md5(pg_catalog.string_agg(
      p.oid::pg_catalog.text operator(pg_catalog.||) ':' operator(pg_catalog.||)
      -- Before PostgreSQL 12 a partitioned table has a number here, and no file.
      case when p.relkind operator(pg_catalog.=) 'p' then 0 else p.relfilenode end::pg_catalog.text,
      ',' order by p.oid)) as storage,
    pg_catalog.array_agg(p.oid) as oids
  from parts join pg_catalog.pg_class p on p.oid operator(pg_catalog.=) parts.oid
  left join pg_catalog.pg_class long on long.oid operator(pg_catalog.=) p.reltoastrelid
  cross join lateral (
    select
      p.relpages::pg_catalog.int8 as own,
      coalesce(long.relpages, 0)::pg_catalog.int8 as toast,
      pg_catalog.pg_stat_get_live_tuples(p.oid) operator(pg_catalog./) 128 as guessed
  ) pages
) tree
where n.nspname operator(pg_catalog.=) any ($schemas::pg_catalog.name[])
  and c.relkind operator(pg_catalog.=) any (array['r', 'p']::pg_catalog."char"[]) and not c.relispartition
  and c.relpersistence operator(pg_catalog.<>) 't'
  $not_chunk
  and not exists (
    select from pg_catalog.pg_depend d
    where d.classid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
      and d.objid operator(pg_catalog.=) c.oid and d.deptype operator(pg_catalog.=) 'e')
order by n.nspname, c.relname
