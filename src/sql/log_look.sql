-- What is under the name of the log, one row, or none: `columns` that a log has, its owner, whether the
-- role may trust the owner, what in it would run code of others when the log is written, a rule, and a trigger.
select
  (select pg_catalog.count(*) from pg_catalog.pg_attribute a
    where a.attrelid operator(pg_catalog.=) c.oid and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
      and a.attname operator(pg_catalog.=) any (array['id', 'run_id', 'source', 'schema_name', 'table_name',
        'sync_type', 'status', 'start_time', 'end_time', 'watermark', 'fingerprint', 'rows_processed',
        'rows_inserted', 'rows_updated', 'rows_deleted', 'batches', 'bytes', 'error_message']::pg_catalog.name[])),
  $trusted or not $superuser,
  pg_catalog.pg_get_userbyid(c.relowner),
  current_user,
  case
    when c.relkind operator(pg_catalog.<>) 'r' then 'is not an ordinary table'
    when c.relrowsecurity then 'has row level security'
    -- `relhasrules` stays true until VACUUM.
    when exists (
      select from pg_catalog.pg_rewrite w
      where w.ev_class operator(pg_catalog.=) c.oid) then 'has a rule'
    when exists (
      select from pg_catalog.pg_trigger t
      where t.tgrelid operator(pg_catalog.=) c.oid and not t.tgisinternal) then 'has a trigger'
    when exists (
      select from pg_catalog.pg_inherits i
      where c.oid operator(pg_catalog.=) any (array[i.inhparent, i.inhrelid])) then 'inherits or is inherited from'
    when exists (
      select from pg_catalog.pg_constraint k
      where k.conrelid operator(pg_catalog.=) c.oid and k.contype operator(pg_catalog.=) 'c') then 'has a check'
    when exists (
      select from pg_catalog.pg_attribute a
      where a.attrelid operator(pg_catalog.=) c.oid and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
        and a.atttypid operator(pg_catalog.>=) 16384::pg_catalog.oid) then 'has a column of a type that somebody made'
    when exists (
      -- Functions of indexes are immutable: those of the server itself do no harm.
      select from pg_catalog.pg_index i
      join pg_catalog.pg_depend d on d.classid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.objid operator(pg_catalog.=) i.indexrelid
      where i.indrelid operator(pg_catalog.=) c.oid and d.refobjid operator(pg_catalog.>=) 16384::pg_catalog.oid
        and d.refclassid operator(pg_catalog.=) any (array['pg_catalog.pg_proc', 'pg_catalog.pg_operator',
          'pg_catalog.pg_opclass']::pg_catalog.regclass[])) then 'has an index that calls what somebody made'
    when exists (
      select from pg_catalog.pg_attrdef f
      where f.adrelid operator(pg_catalog.=) c.oid
        and (pg_catalog.pg_get_expr(f.adbin, 0) operator(pg_catalog.!~)
          '^(-?[0-9]+|''([^'']|'''')*''|NULL|true|false|now\(\)|CURRENT_TIMESTAMP|nextval\(''([^'']|'''')*''::regclass\))(::[a-z ]+)?$'
          or exists (
            select from pg_catalog.pg_depend d
            where d.classid operator(pg_catalog.=) 'pg_catalog.pg_attrdef'::pg_catalog.regclass
              and d.objid operator(pg_catalog.=) f.oid
              and d.refclassid operator(pg_catalog.=) any (array['pg_catalog.pg_proc', 'pg_catalog.pg_operator']::pg_catalog.regclass[])
              and d.refobjid operator(pg_catalog.>=) 16384::pg_catalog.oid))) then 'has a default that is computed'
  end,
  (select pg_catalog.min(w.rulename::pg_catalog.text collate pg_catalog."C") from pg_catalog.pg_rewrite w
    where w.ev_class operator(pg_catalog.=) c.oid),
  (select pg_catalog.min(t.tgname::pg_catalog.text collate pg_catalog."C") from pg_catalog.pg_trigger t
    where t.tgrelid operator(pg_catalog.=) c.oid and not t.tgisinternal)
from pg_catalog.pg_class c
where c.oid operator(pg_catalog.=) pg_catalog.to_regclass($name)
