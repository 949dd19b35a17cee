-- copy all
copy (select t."updated_at", t."id", (t."Price"::pg_catalog.numeric(8,2)), t."body", t."owner"
        from only "public"."item" t) to stdout

-- copy all as it is
copy "public"."item" ("updated_at", "id", "Price", "body", "owner") to stdout

-- copy pages
copy (select t."updated_at", t."id", (t."Price"::pg_catalog.numeric(8,2)), t."body", t."owner"
        from only "public"."item" t where t.ctid operator(pg_catalog.>=) '(7,0)'::pg_catalog.tid
        and t.ctid operator(pg_catalog.<) '(9,0)'::pg_catalog.tid) to stdout

-- copy the last pages
copy (select t."updated_at", t."id", (t."Price"::pg_catalog.numeric(8,2)), t."body", t."owner"
        from only "public"."item" t where t.ctid operator(pg_catalog.>=) '(9,0)'::pg_catalog.tid)
    to stdout

-- copy ordered
copy (select t."updated_at", t."id", (t."Price"::pg_catalog.numeric(8,2)), t."body", t."owner"
        from only "public"."item" t
        where t."updated_at" operator(pg_catalog.>=) pg_catalog.timezone('UTC',
            '2024-12-13 15:25:30.5'::pg_catalog.timestamp)
        and t."updated_at" operator(pg_catalog.<) 'infinity'
        order by t."updated_at") to stdout

-- copy hashed
copy (select
    (coalesce(pg_catalog.hashtextextended(pg_catalog."timestamptz_send"(t."updated_at")::pg_catalog.text
    collate pg_catalog."C", 1), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashint8extended(t."id"::pg_catalog.int8, t."id"::pg_catalog.int8
    operator(pg_catalog.#) 2::pg_catalog.int8), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog."numeric_out"((t."Price"::pg_catalog.numeric(8,2))))::pg_catalog.text
    collate pg_catalog."C", 3), 0) operator(pg_catalog.#)
    coalesce(pg_catalog.hashtextextended(row(t."body")::pg_catalog.text collate pg_catalog."C", 4), 0)
    operator(pg_catalog.#) coalesce(pg_catalog.uuid_hash_extended(t."owner", 5), 0)), t."updated_at",
    t."id", (t."Price"::pg_catalog.numeric(8,2)), t."body", t."owner" from only "public"."item" t where
    t."updated_at" operator(pg_catalog.>=) pg_catalog.timezone('UTC', '2024-12-13
    15:25:30.5'::pg_catalog.timestamp) and t."updated_at" operator(pg_catalog.<) 'infinity' order by
    t."updated_at") to stdout

-- window of dates
t."updated_at" operator(pg_catalog.>=) '2024-12-13 15:25:30.5'::pg_catalog.timestamp::pg_catalog.date
    and t."updated_at" operator(pg_catalog.<) 'infinity'

-- timeless
(t."updated_at" is null or t."updated_at" operator(pg_catalog.=) 'infinity' or
        t."updated_at" operator(pg_catalog.=) '-infinity')

-- greatest timestamp
select t."updated_at"::pg_catalog.text from only "public"."item" t
    where t."updated_at" operator(pg_catalog.<) 'infinity'
    and t."updated_at" operator(pg_catalog.>) '-infinity'
    order by t."updated_at" desc limit 1

-- greatest date
select t."updated_at"::pg_catalog.text from only "public"."item" t
    where t."updated_at" operator(pg_catalog.<=)
    ('2024-12-13 15:25:31'::pg_catalog.timestamp operator(pg_catalog.+)
        '14 hours'::pg_catalog.interval) and t."updated_at" operator(pg_catalog.>) '-infinity'
    order by t."updated_at" desc limit 1

-- watermark
(greatest(least('2024-12-13 15:25:29+00'::pg_catalog.timestamptz, pg_catalog.timezone('UTC', '2024-12-13
    15:25:30.5'::pg_catalog.timestamp)), pg_catalog.timezone('UTC', '4714-11-24 00:00:00
    BC'::pg_catalog.timestamp operator(pg_catalog.+) '30000 milliseconds'::pg_catalog.interval))
    operator(pg_catalog.-) '30000 milliseconds'::pg_catalog.interval)

-- watermark of dates
(case when pg_catalog.timezone('UTC', pg_catalog.timezone('UTC', '2024-12-13'::pg_catalog.timestamp))
        operator(pg_catalog.<=)
        ('2024-12-13 15:25:31'::pg_catalog.timestamp operator(pg_catalog.+)
            '14 hours'::pg_catalog.interval) then pg_catalog.timezone('UTC',
            (greatest(pg_catalog.timezone('UTC', pg_catalog.timezone('UTC',
                '2024-12-13'::pg_catalog.timestamp)), '4714-11-24 00:00:00 BC'::pg_catalog.timestamp
            operator(pg_catalog.+) ('2024-12-13 15:25:31'::pg_catalog.timestamp operator(pg_catalog.-)
                '2024-12-13 15:25:30.5'::pg_catalog.timestamp) operator(pg_catalog.+)
            '172800000 milliseconds'::pg_catalog.interval) operator(pg_catalog.-)
            ('2024-12-13 15:25:31'::pg_catalog.timestamp operator(pg_catalog.-)
                '2024-12-13 15:25:30.5'::pg_catalog.timestamp) operator(pg_catalog.-)
            '172800000 milliseconds'::pg_catalog.interval)::pg_catalog.date::pg_catalog.timestamp) end)

-- watermark without zone
(case when pg_catalog.timezone('UTC', pg_catalog.timezone('UTC', '2024-12-13 15:25:29'::pg_catalog.timestamp))
        operator(pg_catalog.<=)
        ('2024-12-13 15:25:31'::pg_catalog.timestamp operator(pg_catalog.+)
            '14 hours'::pg_catalog.interval) then pg_catalog.timezone('UTC',
            (greatest(pg_catalog.timezone('UTC', pg_catalog.timezone('UTC',
                '2024-12-13 15:25:29'::pg_catalog.timestamp)), '4714-11-24 00:00:00 BC'::pg_catalog.timestamp
            operator(pg_catalog.+) ('2024-12-13 15:25:31'::pg_catalog.timestamp operator(pg_catalog.-)
                '2024-12-13 15:25:30.5'::pg_catalog.timestamp) operator(pg_catalog.+)
            '93600000 milliseconds'::pg_catalog.interval) operator(pg_catalog.-)
            ('2024-12-13 15:25:31'::pg_catalog.timestamp operator(pg_catalog.-)
                '2024-12-13 15:25:30.5'::pg_catalog.timestamp) operator(pg_catalog.-)
            '93600000 milliseconds'::pg_catalog.interval)) end)

-- watermark as asked for
(case when pg_catalog.timezone('UTC', pg_catalog.timezone('UTC', '2024-12-13 15:25:29'::pg_catalog.timestamp))
        operator(pg_catalog.<=)
        ('2024-12-13 15:25:31'::pg_catalog.timestamp operator(pg_catalog.+)
            '14 hours'::pg_catalog.interval) then pg_catalog.timezone('UTC',
            (greatest(pg_catalog.timezone('UTC', pg_catalog.timezone('UTC',
                '2024-12-13 15:25:29'::pg_catalog.timestamp)), '4714-11-24 00:00:00 BC'::pg_catalog.timestamp
            operator(pg_catalog.+) ('2024-12-13 15:25:31'::pg_catalog.timestamp operator(pg_catalog.-)
                '2024-12-13 15:25:30.5'::pg_catalog.timestamp) operator(pg_catalog.+)
            '5000 milliseconds'::pg_catalog.interval) operator(pg_catalog.-)
            ('2024-12-13 15:25:31'::pg_catalog.timestamp operator(pg_catalog.-)
                '2024-12-13 15:25:30.5'::pg_catalog.timestamp) operator(pg_catalog.-)
            '5000 milliseconds'::pg_catalog.interval)) end)

-- watermark of a blind role
(greatest(least('2024-12-13 15:25:29+00'::pg_catalog.timestamptz, pg_catalog.timezone('UTC',
    '2024-12-13 15:25:30.5'::pg_catalog.timestamp)), pg_catalog.timezone('UTC',
    '4714-11-24 00:00:00 BC'::pg_catalog.timestamp operator(pg_catalog.+)
    '300000 milliseconds'::pg_catalog.interval))
    operator(pg_catalog.-) '300000 milliseconds'::pg_catalog.interval)

-- unreadable row
select pg_catalog.concat('(id)'::pg_catalog.text, ' = ',
        pg_catalog.encode(pg_catalog.convert_to(row(t."id")::pg_catalog.text, 'SQL_ASCII'),
            'escape')) from only "public"."item" t where
    pg_catalog.encode(pg_catalog.convert_to(row(t."updated_at", t."id", (t."Price"::pg_catalog.numeric(8,2)),
                t."body", t."owner")::pg_catalog.text, 'SQL_ASCII'),
        'hex') operator(pg_catalog.!~)
    '^([0-7].|(c[2-9a-f]|d.)[89ab].|e0[ab].[89ab].|e[1-9a-cef]([89ab].){2}|ed[89].[89ab].|f0[9ab].([89ab].){2}|f[1-3]([89ab].){3}|f48.([89ab].){2})*$'
    limit 1

-- unreadable row without a key
select pg_catalog.concat('ctid'::pg_catalog.text, ' = ',
        pg_catalog.encode(pg_catalog.convert_to(t.ctid::pg_catalog.text, 'SQL_ASCII'), 'escape'))
    from "public"."item" t where pg_catalog.encode(pg_catalog.convert_to(row(t."updated_at",
                t."id", (t."Price"::pg_catalog.numeric(8,2)), t."body", t."owner")::pg_catalog.text,
            'SQL_ASCII'), 'hex') operator(pg_catalog.!~)
    '^([0-7].|(c[2-9a-f]|d.)[89ab].|e0[ab].[89ab].|e[1-9a-cef]([89ab].){2}|ed[89].[89ab].|f0[9ab].([89ab].){2}|f[1-3]([89ab].){3}|f48.([89ab].){2})*$'
    limit 1
