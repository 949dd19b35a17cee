-- What hangs on the tables $names of the schema $schema, one JSON object each: what forbids to put
-- others in their places, and the statements that take away and bring back what the tables do not
-- carry themselves. Those that are to take the places, if they are there, are in the schema $scratch.
--
-- Runs under an empty search path: every name is printed with its schema.
with recursive roots as (
  select c.oid, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $schema and c.relname = any ($names::name[]) and c.relkind in ('r', 'p')
), tree(root, oid) as (
  select r.oid, r.oid from roots r
  union all
  select t.root, i.inhrelid from tree t
  join pg_inherits i on i.inhparent = t.oid join pg_class c on c.oid = i.inhrelid and c.relispartition
), members as (
  -- Each column by its name: before PostgreSQL 12 no list of all columns has the oid.
  select t.root, c.oid, c.relname, c.relowner, c.relacl, c.reltype, c.relrowsecurity, c.relforcerowsecurity,
    to_regclass(quote_ident($scratch) || '.' || quote_ident(c.relname)) as replacement
  from tree t join pg_class c on c.oid = t.oid
), owned as (
  select m.root, s.oid, s.relacl, to_regclass(quote_ident($scratch) || '.' || quote_ident(s.relname)) as replacement
  from members m
  join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = m.oid
    and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
  join pg_class s on s.oid = d.objid and s.relkind = 'S'
), views as (
  $views
), forbids(root, what) as (
  -- Functions and columns that name the table or its row type.
  select distinct m.root, pg_describe_object(d.classid, d.objid, 0)
  from members m
  join pg_type y on y.oid = m.reltype
  join pg_depend d on d.deptype = 'n' and (
    d.refclassid = 'pg_type'::regclass and d.refobjid in (y.oid, y.typarray)
    or d.refclassid = 'pg_class'::regclass and d.refobjid = m.oid and d.classid = 'pg_proc'::regclass)
  where d.classid in ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_type'::regclass)
    and not (d.classid = 'pg_class'::regclass and d.objid in (select oid from tree))
  union all
  -- What belongs to other tables and names this one, or a sequence that goes with it.
  select distinct u.root, pg_describe_object(d.classid, d.objid, 0)
  from (select root, oid from members union all select root, oid from owned) u
  join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = u.oid
  cross join lateral (
    select p.polrelid from pg_policy p where d.classid = 'pg_policy'::regclass and p.oid = d.objid
    union all
    select w.ev_class from pg_rewrite w join pg_class c on c.oid = w.ev_class and c.relkind not in ('v', 'm')
    where d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
    union all
    select f.adrelid from pg_attrdef f where d.classid = 'pg_attrdef'::regclass and f.oid = d.objid
    union all
    select k.conrelid from pg_constraint k
    where d.classid = 'pg_constraint'::regclass and k.oid = d.objid and k.contype <> 'f'
    union all
    select g.tgrelid from pg_trigger g where d.classid = 'pg_trigger'::regclass and g.oid = d.objid and not g.tgisinternal
  ) o(holder)
  where o.holder not in (select t.oid from tree t where t.root = u.root)
  union all
  select t.root, 'rule ' || quote_ident(w.rulename) from tree t join pg_rewrite w on w.ev_class = t.oid
  union all
  select t.root, 'policy ' || quote_ident(p.polname) from tree t join pg_policy p on p.polrelid = t.oid
  union all
  select t.root, 'publication ' || quote_ident(p.pubname)
  from tree t join pg_publication_rel r on r.prrelid = t.oid join pg_publication p on p.oid = r.prpubid
  union all
  select t.root, 'table ' || i.inhrelid::regclass || ', which inherits from it'
  from tree t join pg_inherits i on i.inhparent = t.oid
  where i.inhrelid not in (select own.oid from tree own where own.root = t.root)
  union all
  select r.oid, 'table ' || i.inhparent::regclass || ', its parent'
  from roots r join pg_inherits i on i.inhrelid = r.oid
  union all
  select r.oid, pg_describe_object(d.refclassid, d.refobjid, 0)
  from roots r join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = r.oid and d.deptype = 'e'
), lacks(root, what) as (
  -- Rights without which others cannot take the places, each with the statement that gives it. A superuser has all.
  select m.root, 'the target role does not own ' || case m.oid when m.root then 'it' else 'its partition ' || m.oid::regclass end
    || ': alter table ' || m.oid::regclass || ' owner to ' || quote_ident(current_user)
  from members m where not pg_has_role(m.relowner, 'usage')
  union
  select t.root, 'the target role does not own ' || c.oid::regclass || ', whose foreign key refers to it: alter table '
    || c.oid::regclass || ' owner to ' || quote_ident(current_user)
  from tree t join pg_constraint k on k.contype = 'f' and k.confrelid = t.oid
  join pg_class c on c.oid = k.conrelid
  where not pg_has_role(c.relowner, 'usage') and k.conrelid not in (select o.oid from tree o where o.root = t.root)
  union
  select m.root, 'its owner ' || quote_ident(pg_get_userbyid(m.relowner)) || ' may create nothing in schema ' || quote_ident($schema)
    || ': grant create on schema ' || quote_ident($schema) || ' to ' || quote_ident(pg_get_userbyid(m.relowner))
  from members m
  where pg_has_role(m.relowner, 'usage') and pg_get_userbyid(m.relowner) <> current_user
    and not has_schema_privilege(m.relowner, $schema, 'create')
    and not (select r.rolsuper from pg_roles r where r.rolname = current_user)
), back(root, place, statement) as (
  select root, 1, 'alter table ' || oid::regclass || ' owner to ' || quote_ident(pg_get_userbyid(relowner))
  from members where replacement is not null and relowner <> (select h.relowner from pg_class h where h.oid = replacement)
  union all
  select m.root, 2, 'revoke all on table ' || m.oid::regclass || ' from ' || g.grantee
  from members m join pg_class h on h.oid = m.replacement cross join lateral (
    select distinct case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end as grantee
    from aclexplode(h.relacl) a where a.grantee <> h.relowner) g
  union all
  select m.root, 3, 'grant ' || a.privilege_type || ' on ' || m.sort || m.oid::regclass || ' to '
    || case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end
    || case when a.is_grantable then ' with grant option' else '' end
  from (
    select root, oid, relacl, 'table ' as sort from members where replacement is not null
    union all
    select root, oid, relacl, 'sequence ' from owned where replacement is not null
  ) m cross join lateral aclexplode(m.relacl) a
  union all
  select m.root, 3, 'grant ' || a.privilege_type || ' (' || quote_ident(t.attname) || ') on table ' || m.oid::regclass || ' to '
    || case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end
    || case when a.is_grantable then ' with grant option' else '' end
  from members m join pg_attribute t on t.attrelid = m.oid and t.attnum > 0 and not t.attisdropped
  join pg_attribute h on h.attrelid = m.replacement and h.attname = t.attname and not h.attisdropped
  cross join lateral aclexplode(t.attacl) a
  union all
  select m.root, 4, 'alter table ' || m.oid::regclass || ' enable row level security' from members m where m.relrowsecurity
  union all
  select m.root, 4, 'alter table ' || m.oid::regclass || ' force row level security' from members m where m.relforcerowsecurity
  union all
  select t.root, 5, pg_get_triggerdef(g.oid) from tree t join pg_trigger g on g.tgrelid = t.oid
  where not g.tgisinternal and coalesce(to_jsonb(g) ->> 'tgparentid', '0') = '0'
  union all
  select t.root, 6, 'alter table ' || t.oid::regclass
    || case g.tgenabled when 'D' then ' disable' when 'R' then ' enable replica' else ' enable always' end
    || ' trigger ' || quote_ident(g.tgname)
  from tree t join pg_trigger g on g.tgrelid = t.oid
  where not g.tgisinternal and g.tgenabled <> 'O' and coalesce(to_jsonb(g) ->> 'tgparentid', '0') = '0'
)
select json_build_object(
  'table', json_build_object('schema', $schema, 'name', r.relname),
  'views', coalesce((
    select json_agg(v.told order by v.level desc, v.name)
    from (
      select w.told::jsonb as told, max(w.level) as level, w.view::regclass::text as name
      from views w where w.root = r.oid group by 1, w.view
    ) v), '[]'),
  'blockers', coalesce((select json_agg(f.what order by f.what) from forbids f where f.root = r.oid), '[]'),
  'lacks', coalesce((select json_agg(l.what order by l.what) from lacks l where l.root = r.oid), '[]'),
  'restore_statements', coalesce((select json_agg(b.statement order by b.place, b.statement) from back b where b.root = r.oid), '[]'),
  'keys', coalesce((
    select json_agg(json_build_object(
      'child', json_build_object('schema', n.nspname, 'name', c.relname),
      'name', k.conname,
      'parent', (select p.relname from pg_class p where p.oid = k.confrelid),
      'parent_columns', (
        select json_agg(a.attname order by u.place)
        from unnest(k.confkey) with ordinality u(attnum, place)
        join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.attnum),
      'drop', 'alter table ' || c.oid::regclass || ' drop constraint ' || quote_ident(k.conname),
      'add', 'alter table ' || c.oid::regclass || ' add constraint ' || quote_ident(k.conname) || ' '
        || pg_get_constraintdef(k.oid) || case when k.convalidated and c.relkind <> 'p' then ' not valid' else '' end,
      'validate', case when k.convalidated and c.relkind <> 'p' then
        'alter table ' || c.oid::regclass || ' validate constraint ' || quote_ident(k.conname) end)
      order by c.oid::regclass::text, k.conname)
    from pg_constraint k
    join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
    where k.contype = 'f' and k.confrelid in (select oid from tree t where t.root = r.oid)
      and k.conrelid not in (select oid from tree t where t.root = r.oid)
      and coalesce(to_jsonb(k) ->> 'conparentid', '0') = '0'), '[]'))
from roots r
