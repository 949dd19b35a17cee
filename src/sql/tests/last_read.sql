-- later
(t."updated_at" operator(pg_catalog.>) pg_catalog.timezone('UTC', ('2024-12-13 15:25:30.5'::pg_catalog.timestamp
        operator(pg_catalog.+) '30000 milliseconds'::pg_catalog.interval)) or (t."updated_at" is null or
        t."updated_at" operator(pg_catalog.=) 'infinity' or t."updated_at" operator(pg_catalog.=) '-infinity'))

-- later or at that moment
(t."updated_at" operator(pg_catalog.>=) pg_catalog.timezone('UTC', ('2024-12-13 15:25:30.5'::pg_catalog.timestamp
        operator(pg_catalog.+) '5000 milliseconds'::pg_catalog.interval)) or (t."updated_at" is null or
        t."updated_at" operator(pg_catalog.=) 'infinity' or t."updated_at" operator(pg_catalog.=) '-infinity'))

-- later than a day
(t."updated_at" operator(pg_catalog.>=) ('2024-12-13 15:25:30.5'::pg_catalog.timestamp operator(pg_catalog.+)
        '172800000 milliseconds'::pg_catalog.interval)::pg_catalog.date or (t."updated_at" is null or t."updated_at"
        operator(pg_catalog.=) 'infinity' or t."updated_at" operator(pg_catalog.=) '-infinity'))

-- read
select exists (select from only "copy"."Item" t where t."updated_at" operator(pg_catalog.=)
        pg_catalog.timezone('UTC', ('2024-12-13 15:25:30.5'::pg_catalog.timestamp operator(pg_catalog.+) '30000
        milliseconds'::pg_catalog.interval)))
