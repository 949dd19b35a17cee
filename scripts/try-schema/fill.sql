-- Fills the tables of a database with random rows, whatever they are: values by the types of columns,
-- those of foreign keys from the rows that they refer to. A row that a constraint refuses is left out, and
-- another one is tried. `fill` adds rows, `change` updates, deletes and adds some.

create schema try_schema;
set search_path = try_schema, pg_catalog;

-- A value of a type, as text. `style` says what a text looks like, for checks that want a form.
create function try_schema.value(kind oid, kind_mod int, style int, number int) returns text
language plpgsql as $$
declare
    t pg_type;
    word text := case style
        when 0 then 'word ' || number
        when 1 then 'w' || number || 'x'
        when 2 then 'a' || number || '@example.com'
        when 3 then 'https://example.com/' || number
        when 4 then number::text
        when 5 then upper(substr(md5(number::text), 1, 3))
        when 6 then md5(number::text)
        when 7 then substr('abcdefghij', 1 + number % 8, 2)
        when 8 then 'v_' || substr(md5(number::text), 1, 10)
        when 9 then md5(number::text) || md5('x' || number)
        when 10 then lower(substr(md5(number::text), 1, 2))
        else 'Ünï ' || number end;
    extension text;
begin
    select * into t from pg_type where oid = kind;
    if t.typtype = 'd' then
        return try_schema.value(t.typbasetype, t.typtypmod, style, number);
    elsif t.typtype = 'e' then
        return (select enumlabel from pg_enum where enumtypid = kind order by md5(enumlabel || number) limit 1);
    elsif t.typcategory = 'A' and t.typelem <> 0 then
        if number % 4 = 0 then return '{}'; end if;
        return (select array_agg(try_schema.value(t.typelem, kind_mod, style, number + i))::text from generate_series(1, 1 + number % 3) i);
    elsif t.typtype = 'r' then
        return case when t.typname like 'num%' or t.typname like 'int%' then format('[%s,%s)', number, number + 3)
            else format('[2024-01-01,2024-02-%s)', 1 + number % 28) end;
    elsif t.typtype = 'c' then
        return (select '(' || string_agg(coalesce('"' || replace(replace(try_schema.value(a.atttypid, a.atttypmod, style, number), '\', '\\'), '"', '""') || '"', ''), ',' order by attnum) || ')'
            from pg_attribute a where attrelid = t.typrelid and attnum > 0 and not attisdropped);
    end if;
    if kind_mod > 4 and t.typname in ('varchar', 'bpchar') then
        if kind_mod - 4 < length(word) and t.typname = 'varchar' then word := substr(md5(number::text), 1, kind_mod - 4); end if;
        word := left(word, kind_mod - 4);
    end if;
    return case
        when t.typname in ('int2', 'int4', 'int8', 'oid') then (case style % 3 when 0 then number when 1 then number % 10 else 1 + number % 3 end)::text
        when t.typname in ('float4', 'float8') then round((random() * 100)::numeric, 3)::text
        when t.typname = 'numeric' then round((random() * 9)::numeric, 2)::text
        when t.typname = 'money' then '12.50'
        when t.typname = 'bool' then (number % 2 = 0)::text
        when t.typname in ('timestamp', 'timestamptz') then (timestamp '2024-01-01' + number * interval '61 minutes' + random() * interval '1 second')::text
        when t.typname = 'date' then (date '2020-01-01' + number % 1500)::text
        when t.typname in ('time', 'timetz') then format('%s:%s:07', number % 24, number % 60)
        when t.typname = 'interval' then number || ' minutes'
        when t.typname = 'uuid' then md5(random()::text)
        when t.typname in ('json', 'jsonb') then case style % 3 when 0 then format('{"a": %s, "b": ["x"]}', number) when 1 then '{}' else '[]' end
        when t.typname = 'bytea' then '\x' || substr(md5(number::text), 1, case style % 3 when 0 then 32 when 1 then 8 else 2 end)
        when t.typname in ('inet', 'cidr') then format('10.%s.%s.7', number / 250 % 250, number % 250)
        when t.typname in ('macaddr') then '08:00:2b:01:02:' || lpad(to_hex(number % 256), 2, '0')
        when t.typname in ('bit', 'varbit') then repeat('1', greatest(kind_mod, 1))
        when t.typname = 'tsvector' then '''word'':1 ''other'':2'
        when t.typname = 'tsquery' then '''word'''
        when t.typname = 'point' then format('(%s,%s)', number, number % 7)
        when t.typname = 'box' then '(2,2),(0,0)'
        when t.typname in ('circle') then '<(1,1),2>'
        when t.typname in ('line') then '{1,2,3}'
        when t.typname in ('lseg', 'path') then '[(0,0),(1,1)]'
        when t.typname = 'polygon' then '((0,0),(1,1),(1,0))'
        when t.typname = 'xml' then '<a>' || number || '</a>'
        when t.typname = 'hstore' then '"a"=>"' || number || '"'
        when t.typname = 'ltree' then 'Top.a' || number
        when t.typname = 'cube' then format('(%s,%s)', number, number % 5)
        when t.typname = 'char' then substr('abcdef', 1 + number % 6, 1)
        when t.typname = 'pg_lsn' then '0/' || to_hex(number)
        else word end;
end $$;

-- One row into a table; whether it went in.
create function try_schema.add(rel oid, number int) returns boolean language plpgsql as $$
declare
    names text[] := '{}';
    terms text[] := '{}';
    fk record;
    col record;
    given jsonb := '{}';
    parent jsonb;
    keys text;
    base int := floor(random() * 12);
begin
    for fk in select c.confrelid, c.conkey, c.confkey from pg_constraint c where c.conrelid = rel and c.contype = 'f' order by array_length(c.conkey, 1) loop
        select string_agg(format('%L, %I::text', a.attname, b.attname), ', ') into keys
            from unnest(fk.conkey, fk.confkey) k(here, there)
            join pg_attribute a on a.attrelid = rel and a.attnum = k.here
            join pg_attribute b on b.attrelid = fk.confrelid and b.attnum = k.there;
        execute format('select jsonb_build_object(%s) from %s order by random() limit 1', keys, fk.confrelid::regclass) into parent;
        if parent is null then
            select jsonb_object_agg(a.attname, null) into parent from unnest(fk.conkey) k join pg_attribute a on a.attrelid = rel and a.attnum = k and not a.attnotnull;
        end if;
        given := given || coalesce(parent, '{}');
    end loop;
    for col in select a.*, t.typtype, row_number() over () r, to_jsonb(a) ->> 'attgenerated' as generated from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = rel and a.attnum > 0 and not a.attisdropped order by a.attnum loop
        if coalesce(col.generated, '') <> '' or col.attidentity = 'a' then continue; end if;
        if given ? col.attname then
            names := names || quote_ident(col.attname);
            terms := terms || format('%L', given ->> col.attname);
        elsif col.attname = 'updated_at' and col.atttypid in ('timestamptz'::regtype, 'timestamp'::regtype) then
            -- A row of this key may have been deleted: each change sets the column.
            names := names || quote_ident(col.attname);
            terms := terms || 'clock_timestamp()'::text;
        elsif col.atthasdef and (random() < 0.5 or pg_get_expr((select adbin from pg_attrdef where adrelid = rel and adnum = col.attnum), rel) like 'nextval%') or col.attidentity = 'd' then
            continue;
        elsif not col.attnotnull and random() < 0.3 then
            continue;
        else
            names := names || quote_ident(col.attname);
            terms := terms || format('%L', try_schema.value(col.atttypid, col.atttypmod, case when number % 2 = 0 then base else floor(random() * 12)::int end, number + col.attnum));
        end if;
    end loop;
    if names = '{}' then
        execute format('insert into %s default values', rel::regclass);
    else
        execute format('insert into %s (%s) values (%s)', rel::regclass, array_to_string(names, ', '), array_to_string(terms, ', '));
    end if;
    return true;
exception when others then
    return false;
end $$;

create view try_schema.tables as select c.oid, c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not coalesce(nullif(to_jsonb(c) ->> 'relispartition', '')::boolean, false) and nspname <> 'try_schema'
    and nspname !~ '^pg_' and nspname <> 'information_schema'
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e');

-- `rows` rows in each table, as far as its constraints let them in. Parents are filled before their children
-- can be: three passes.
create function try_schema.fill(wanted int, start int) returns void language plpgsql as $$
declare
    rel record;
    got int;
begin
    set constraints all immediate;
    for pass in 1..4 loop
        for rel in select * from try_schema.tables order by (select count(*) from pg_constraint where contype = 'f' and conrelid = oid), name loop
            begin
                execute format('alter table %s disable trigger user', rel.name);
            exception when others then null; end;
            begin
                execute format('select count(*) from (select from %s limit %s) r', rel.name, wanted) into got;
            exception when others then continue; end;
            for i in 1..wanted * 3 loop
                exit when got >= wanted;
                if try_schema.add(rel.oid, start + 1000 * pass + i) then got := got + 1; end if;
            end loop;
            begin
                execute format('alter table %s enable trigger user', rel.name);
            exception when others then null; end;
        end loop;
    end loop;
end $$;

-- Updates, deletes and adds some rows of each table.
create function try_schema.change(start int) returns void language plpgsql as $$
declare
    rel record;
    col record;
    place tid;
    stamp text;
begin
    set constraints all immediate;
    for rel in select * from try_schema.tables order by name loop
        begin
            execute format('alter table %s disable trigger user', rel.name);
        exception when others then null; end;
        select coalesce(string_agg(format(', %I = clock_timestamp()', attname), ''), '') into stamp from pg_attribute
            where attrelid = rel.oid and attname = 'updated_at' and atttypid in ('timestamptz'::regtype, 'timestamp'::regtype) and not attisdropped;
        for i in 1..4 loop
            select a.* into col from pg_attribute a where attrelid = rel.oid and attnum > 0 and not attisdropped and coalesce(to_jsonb(a) ->> 'attgenerated', '') = ''
                and attidentity = '' and attname <> 'updated_at'
                and not exists (select from pg_constraint where conrelid = rel.oid and contype in ('p', 'f') and attnum = any (conkey)) order by random() limit 1;
            exit when col.attname is null;
            begin
                execute format('update %s set %I = %L%s where ctid in (select ctid from %1$s order by random() limit 2)', rel.name, col.attname,
                    try_schema.value(col.atttypid, col.atttypmod, floor(random() * 12)::int, start + i), stamp);
            exception when others then null; end;
        end loop;
        begin
            execute format('delete from %s where ctid in (select ctid from %1$s order by random() limit 1)', rel.name);
        exception when others then null; end;
        for i in 1..3 loop perform try_schema.add(rel.oid, start + 100 + i); end loop;
        begin
            execute format('alter table %s enable trigger user', rel.name);
        exception when others then null; end;
    end loop;
end $$;

-- A line per table: its name, how many rows it has, and a hash of them.
create function try_schema.contents() returns table (name text, rows bigint, hash text) language plpgsql as $$
declare
    rel record;
    columns text;
begin
    for rel in select * from try_schema.tables t order by t.name loop
        if rel.name ~ 'sync_log$' then continue; end if;
        name := rel.name;
        -- By name: a child that inherits columns may have them in another order.
        select string_agg(quote_ident(attname), ', ' order by attname::text collate "C") into columns from pg_attribute
            where attrelid = rel.oid and attnum > 0 and not attisdropped;
        begin
            execute format('select count(*), md5(coalesce(string_agg(r.t, chr(10) order by r.t collate "C"), '''')) from (select row(%s)::text as t from %s) r', columns, rel.name) into rows, hash;
        exception when others then rows := -1; hash := sqlerrm; end;
        return next;
    end loop;
end $$;
