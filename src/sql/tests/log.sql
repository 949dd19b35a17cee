-- last rows
select w.schema_name, w.table_name, pg_catalog.timezone('UTC', l.watermark)::pg_catalog.text,
    l.fingerprint, l.source,
    pg_catalog.timezone('UTC', case when l.status operator(pg_catalog.=) 'success' then l.watermark
        else (select l.watermark from (select l.* from "public"."sync_log" l
                where l.schema_name operator(pg_catalog.=) w.schema_name
                and l.table_name operator(pg_catalog.>=) w.table_name
                and l.table_name operator(pg_catalog.<=) w.table_name
                order by l.table_name desc, l.id desc limit 10000) l
            where l.status operator(pg_catalog.=) 'success'
            and l.fingerprint operator(pg_catalog.=) m.fingerprint
            and coalesce(l.sync_type operator(pg_catalog.<>) 'repair', true)
            order by l.table_name desc, l.id desc limit 1) end)::pg_catalog.text,
    (select l.fingerprint from "public"."sync_log" l
        where l.schema_name operator(pg_catalog.=) w.schema_name
        and l.table_name operator(pg_catalog.>=) w.table_name
        and l.table_name operator(pg_catalog.<=) w.table_name
        and l.fingerprint is not null
        and l.status operator(pg_catalog.<>) 'refused'
        and (l.status operator(pg_catalog.<>) all (array['failed', 'interrupted'])
            or l.rows_inserted operator(pg_catalog.+) l.rows_updated operator(pg_catalog.+)
            l.rows_deleted operator(pg_catalog.>) 0)
        and coalesce(l.sync_type operator(pg_catalog.<>) 'create', true)
        order by l.table_name desc, l.id desc limit 1),
    l.status operator(pg_catalog.=) 'interrupted',
    (select l.status operator(pg_catalog.=) any (array['failed', 'refused', 'skipped'])
        from (select l.* from "public"."sync_log" l
            where l.schema_name operator(pg_catalog.=) w.schema_name
            and l.table_name operator(pg_catalog.>=) w.table_name
            and l.table_name operator(pg_catalog.<=) w.table_name
            order by l.table_name desc, l.id desc limit 10000) l
        order by l.table_name desc, l.id desc limit 1)
    from rows from (pg_catalog.unnest(array['public']::pg_catalog.text[]),
        pg_catalog.unnest(array['item']::pg_catalog.text[])) w(schema_name, table_name)
    cross join lateral (select l.* from (select l.* from "public"."sync_log" l
            where l.schema_name operator(pg_catalog.=) w.schema_name
            and l.table_name operator(pg_catalog.>=) w.table_name
            and l.table_name operator(pg_catalog.<=) w.table_name
            order by l.table_name desc, l.id desc limit 10000) l
        where l.status operator(pg_catalog.<>) 'skipped'
        and coalesce(l.sync_type operator(pg_catalog.<>) 'repair', true)
        order by l.table_name desc, l.id desc limit 1) l
    cross join lateral (select l.fingerprint) m

-- filled from
select pg_catalog.count(*), pg_catalog.to_char(pg_catalog.timezone('UTC',
    pg_catalog.max(l.start_time)), 'YYYY-MM-DD HH24:MI:SS.US'), pg_catalog.max(l.source)
    from rows from (pg_catalog.unnest(array['public']::pg_catalog.text[]),
        pg_catalog.unnest(array['item']::pg_catalog.text[])) w(schema_name, table_name)
    cross join lateral (select l.start_time, l.source, l.fingerprint from "public"."sync_log" l
        where l.schema_name operator(pg_catalog.=) w.schema_name
        and l.table_name operator(pg_catalog.=) w.table_name and l.fingerprint is not null
        and l.sync_type operator(pg_catalog.<>) 'create'
        and l.status operator(pg_catalog.<>) all (array['skipped', 'refused'])
        order by l.id desc limit 1) l
    where pg_catalog.left(l.fingerprint, 8) operator(pg_catalog.=) '7/16384/'

-- written
select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('schema', w.schema_name, 'name',
        w.table_name, 'written', w.written)), '[]')::pg_catalog.text from (select l.schema_name,
        l.table_name, pg_catalog.concat_ws('/', pg_catalog.max(l.id),
            pg_catalog.sum(l.rows_inserted operator(pg_catalog.+) l.rows_updated
                operator(pg_catalog.+) l.rows_deleted)) as written from "public"."sync_log" l
        where l.rows_inserted operator(pg_catalog.>) 0 or l.rows_updated operator(pg_catalog.>) 0
        or l.rows_deleted operator(pg_catalog.>) 0 group by l.schema_name, l.table_name) w

-- insert
insert into "public"."sync_log" (run_id, source, schema_name, table_name, sync_type, status,
        start_time, end_time, watermark, fingerprint, rows_processed, rows_inserted, rows_updated,
        rows_deleted, batches, bytes, error_message) select '20241213T152530.5-7', 'db:5432/shop',
        w.schema_name, w.table_name, w.sync_type, w.status,
        pg_catalog.clock_timestamp() operator(pg_catalog.-) (coalesce(w.elapsed, 0)
            operator(pg_catalog.*) '1 microsecond'::pg_catalog.interval),
        case when w.elapsed is not null then pg_catalog.clock_timestamp() end,
        case when w.rule operator(pg_catalog.=) 0 then w.moment
            when w.rule operator(pg_catalog.=) 1 then (greatest(least(w.moment, pg_catalog.timezone('UTC',
                '2024-12-13 15:25:30.5'::pg_catalog.timestamp)), pg_catalog.timezone('UTC',
                '4714-11-24 00:00:00 BC'::pg_catalog.timestamp operator(pg_catalog.+)
                '30000 milliseconds'::pg_catalog.interval)) operator(pg_catalog.-)
                '30000 milliseconds'::pg_catalog.interval) end,
        w.fingerprint, w.processed, w.inserted, w.updated, w.deleted, w.batches, w.bytes, w.error
    from (values
        ('public', 'item', 'incremental', 'running', null::pg_catalog.int8, 0,
            pg_catalog.timezone('UTC', '2024-12-13 15:25:30.5'::pg_catalog.timestamp), 'it''s',
            0, 0, 0, 0, 0, 0, null),
        ('public', 'item', 'incremental', 'running', 5000, 1,
            '2024-12-13 15:25:29+00'::pg_catalog.timestamptz, 'it''s', 0, 0, 0, 0, 0, 0, null),
        ('public', 'item', 'incremental', 'running', 0, null::pg_catalog.int4,
            null::pg_catalog.timestamptz, 'it''s', 0, 0, 0, 0, 0, 0, null))
        w(schema_name, table_name, sync_type, status, elapsed, rule, moment, fingerprint,
            processed, inserted, updated, deleted, batches, bytes, error)
    returning id, pg_catalog.replace(pg_catalog.timezone('UTC', watermark)::pg_catalog.text, ' ',
        'T') operator(pg_catalog.||) 'Z'

-- committed
select l.rows_processed, l.rows_inserted, l.rows_updated, l.rows_deleted, l.batches, l.bytes,
    pg_catalog.timezone('UTC', l.watermark)::pg_catalog.text
    from "public"."sync_log" l where l.id operator(pg_catalog.=) 7 for update

-- of run
select l.schema_name, l.table_name, l.id, l.rows_processed, l.rows_inserted, l.rows_updated,
    l.rows_deleted, l.batches, l.bytes from "public"."sync_log" l
    where l.run_id operator(pg_catalog.=) '20241213T152530.5-7'
    and coalesce(l.sync_type, '') operator(pg_catalog.<>) 'create' order by l.id

-- take up
update "public"."sync_log" l set sync_type = 'incremental', status = 'running',
        end_time = null::pg_catalog.timestamptz, watermark = pg_catalog.timezone('UTC', '2024-12-13 15:25:30.5'::pg_catalog.timestamp),
        fingerprint = 'it''s', error_message = null where l.id operator(pg_catalog.=) 7
    returning l.id, pg_catalog.replace(pg_catalog.timezone('UTC', l.watermark)::pg_catalog.text,
        ' ', 'T') operator(pg_catalog.||) 'Z'

-- close stale
update "public"."sync_log" l set status = 'interrupted', end_time = pg_catalog.clock_timestamp(),
        error_message = 'the run was killed or lost its connection'
    from rows from (pg_catalog.unnest(array['public']::pg_catalog.text[]),
        pg_catalog.unnest(array['item']::pg_catalog.text[])) w(schema_name, table_name)
    where l.status operator(pg_catalog.=) 'running'
    and l.run_id operator(pg_catalog.<>) '20241213T152530.5-7'
    and l.schema_name operator(pg_catalog.=) w.schema_name
    and l.table_name operator(pg_catalog.=) w.table_name

-- counted
with written as (select 1 as inserted, 2 as updated), counts as (select inserted, updated, deleted,
    written.keys operator(pg_catalog.-) removed.keys as keys from written cross join (values (0, 0))
    removed(deleted, keys)), logged as (update "public"."sync_log" l set rows_processed =
    l.rows_processed operator(pg_catalog.+) 3, bytes = l.bytes operator(pg_catalog.+) 400, batches =
    l.batches operator(pg_catalog.+) 1, watermark = greatest(l.watermark, pg_catalog.timezone('UTC', '2024-12-13 15:25:30.5'::pg_catalog.timestamp)), rows_inserted =
    l.rows_inserted operator(pg_catalog.+) c.inserted, rows_updated = l.rows_updated
    operator(pg_catalog.+) c.updated, rows_deleted = l.rows_deleted operator(pg_catalog.+) c.deleted
    from counts c where l.id operator(pg_catalog.=) 7) select inserted, updated, deleted, keys from
    counts

-- counted with deletes
with removed as (select 3 as deleted), written as (select 1 as inserted, 0 as updated), counts as
    (select inserted, updated, deleted, written.keys operator(pg_catalog.-) removed.keys as keys
    from written cross join removed), logged as (update "public"."sync_log" l set rows_processed =
    l.rows_processed operator(pg_catalog.+) 0, bytes = l.bytes operator(pg_catalog.+) 0, batches =
    l.batches operator(pg_catalog.+) 0, watermark = l.watermark, rows_inserted = l.rows_inserted
    operator(pg_catalog.+) c.inserted, rows_updated = l.rows_updated operator(pg_catalog.+)
    c.updated, rows_deleted = l.rows_deleted operator(pg_catalog.+) c.deleted from counts c where
    l.id operator(pg_catalog.=) 7) select inserted, updated, deleted, keys from counts

-- copied
update "public"."sync_log" l set rows_processed = l.rows_processed operator(pg_catalog.+) 3,
    bytes = l.bytes operator(pg_catalog.+) 400, batches = l.batches operator(pg_catalog.+) 1,
    watermark = greatest(l.watermark, pg_catalog.timezone('UTC', '2024-12-13 15:25:30.5'::pg_catalog.timestamp)),
    rows_inserted = l.rows_inserted operator(pg_catalog.+) 1000
    where l.id operator(pg_catalog.=) 7

-- finish
update "public"."sync_log" l set rows_processed = l.rows_processed operator(pg_catalog.+) 3, bytes =
    l.bytes operator(pg_catalog.+) 400, batches = l.batches operator(pg_catalog.+) 1, watermark =
    coalesce(pg_catalog.timezone('UTC', '2024-12-13 15:25:30.5'::pg_catalog.timestamp), l.watermark), status = 'failed', error_message = 'it''s over', end_time =
    pg_catalog.clock_timestamp() where l.id operator(pg_catalog.=) 7 returning
    pg_catalog.replace(pg_catalog.timezone('UTC', l.watermark)::pg_catalog.text, ' ', 'T')
    operator(pg_catalog.||) 'Z', l.rows_processed, l.rows_inserted, l.rows_updated, l.rows_deleted,
    l.batches, l.bytes

-- distrust
update "public"."sync_log" l set watermark = null
    where l.run_id operator(pg_catalog.=) '20241213T152530.5-7'
    and l.schema_name operator(pg_catalog.=) 'public'
    and l.table_name operator(pg_catalog.=) 'item'

-- retract
update "public"."sync_log" l set status = 'failed', error_message = 'it''s over'
    where l.run_id operator(pg_catalog.=) '20241213T152530.5-7'
    and l.schema_name operator(pg_catalog.=) 'public'
    and l.table_name operator(pg_catalog.=) 'item'
    and l.status operator(pg_catalog.=) any (array['success', 'running', 'failed'])
    and l.sync_type operator(pg_catalog.<>) 'create'

-- placed
update "public"."sync_log" l set status = 'success', end_time = pg_catalog.clock_timestamp()
    where l.run_id operator(pg_catalog.=) '20241213T152530.5-7'
    and l.schema_name operator(pg_catalog.=) 'public'
    and l.table_name operator(pg_catalog.=) 'item' and l.status operator(pg_catalog.=) 'running'

-- finish run
update "public"."sync_log" l set status = 'interrupted', end_time = pg_catalog.clock_timestamp()
    where l.run_id operator(pg_catalog.=) '20241213T152530.5-7'
    and l.status operator(pg_catalog.=) 'running'

-- missing indexes
select u.n from pg_catalog.unnest(array['%(schema_name, table_name, id)', '%(run_id)',
    '%WHERE%status%running%', '%WHERE%sync_type%create%']::pg_catalog.text[]) with ordinality as u(mark,
    n) where not exists (select from pg_catalog.pg_index i where i.indrelid operator(pg_catalog.=)
    pg_catalog.to_regclass('"public"."sync_log"') and i.indisvalid and
    pg_catalog.pg_get_indexdef(i.indexrelid) operator(pg_catalog.~~) u.mark)

-- make index
select pg_catalog.set_config('lock_timeout', '500', true); create index on "public"."sync_log"
    (schema_name, table_name) where status operator(pg_catalog.=) 'running'

-- made tables
select w.schema_name, w.table_name, c.definitions from rows from
    (pg_catalog.unnest(array['public']::pg_catalog.text[]),
        pg_catalog.unnest(array['item']::pg_catalog.text[])) w(schema_name, table_name)
    cross join lateral (select pg_catalog.to_json(l) operator(pg_catalog.->>) 'definitions' as definitions from "public"."sync_log" l
        where l.schema_name operator(pg_catalog.=) w.schema_name
        and l.table_name operator(pg_catalog.=) w.table_name
        and l.sync_type operator(pg_catalog.=) 'create'
        and l.fingerprint operator(pg_catalog.=) (select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n
            on n.oid operator(pg_catalog.=) c.relnamespace
            where n.nspname operator(pg_catalog.=) w.schema_name::pg_catalog.name
            and c.relname operator(pg_catalog.=) w.table_name::pg_catalog.name)::pg_catalog.text
        order by l.id limit 1) c

-- source parts
select w.schema_name, w.table_name, c.parts from rows from
    (pg_catalog.unnest(array['public']::pg_catalog.text[]),
        pg_catalog.unnest(array['item']::pg_catalog.text[])) w(schema_name, table_name)
    cross join lateral (select pg_catalog.to_json(l) operator(pg_catalog.->>) 'source_parts' as parts from "public"."sync_log" l
        where l.schema_name operator(pg_catalog.=) w.schema_name
        and l.table_name operator(pg_catalog.=) w.table_name
        and l.sync_type operator(pg_catalog.=) 'create'
        and l.fingerprint operator(pg_catalog.=) (select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n
            on n.oid operator(pg_catalog.=) c.relnamespace
            where n.nspname operator(pg_catalog.=) w.schema_name::pg_catalog.name
            and c.relname operator(pg_catalog.=) w.table_name::pg_catalog.name)::pg_catalog.text
        order by l.id limit 1) c

-- write source parts
update "public"."sync_log" l set source_parts = w.kept from
    (values ('public'::pg_catalog.text, 'item'::pg_catalog.text, '00c0ffee'::pg_catalog.text)) w (schema_name, table_name, kept)
        where l.schema_name operator(pg_catalog.=) w.schema_name
        and l.table_name operator(pg_catalog.=) w.table_name
        and l.sync_type operator(pg_catalog.=) 'create'
        and l.fingerprint operator(pg_catalog.=) (select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n
            on n.oid operator(pg_catalog.=) c.relnamespace
            where n.nspname operator(pg_catalog.=) w.schema_name::pg_catalog.name
            and c.relname operator(pg_catalog.=) w.table_name::pg_catalog.name)::pg_catalog.text

-- write definitions
update "public"."sync_log" l set definitions = '0123456789abcdef' from rows from
    (pg_catalog.unnest(array['public']::pg_catalog.text[]),
        pg_catalog.unnest(array['item']::pg_catalog.text[])) w(schema_name, table_name)
    where l.schema_name operator(pg_catalog.=) w.schema_name
        and l.table_name operator(pg_catalog.=) w.table_name
        and l.sync_type operator(pg_catalog.=) 'create'
        and l.fingerprint operator(pg_catalog.=) (select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n
            on n.oid operator(pg_catalog.=) c.relnamespace
            where n.nspname operator(pg_catalog.=) w.schema_name::pg_catalog.name
            and c.relname operator(pg_catalog.=) w.table_name::pg_catalog.name)::pg_catalog.text
        and l.definitions is distinct from '0123456789abcdef'
