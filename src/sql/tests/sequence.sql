-- raise
select pg_catalog.setval('"copy"."Item_id_seq"'::pg_catalog.regclass,
        least(w.wanted operator(pg_catalog.+)
            pg_catalog.mod(pg_catalog.mod((5::pg_catalog.numeric) operator(pg_catalog.-) w.wanted,
                    (10::pg_catalog.numeric)) operator(pg_catalog.+) (10::pg_catalog.numeric),
                (10::pg_catalog.numeric)), 32767)::pg_catalog.int8)
    from (select greatest('25'::pg_catalog.numeric,
            (select pg_catalog.max(t."id")::pg_catalog.numeric
                from only "copy"."Item" t where t."id" operator(pg_catalog.<=) 32767)) as wanted)
    w cross join "copy"."Item_id_seq" q
    where w.wanted operator(pg_catalog.>=) (q.last_value::pg_catalog.numeric operator(pg_catalog.+)
        case when q.is_called then (10::pg_catalog.numeric) else 0 end)

-- raise downwards
select pg_catalog.setval('"copy"."Item_id_seq"'::pg_catalog.regclass,
        greatest(w.wanted operator(pg_catalog.+)
            pg_catalog.mod(pg_catalog.mod((-1::pg_catalog.numeric) operator(pg_catalog.-)
                    w.wanted, (-1::pg_catalog.numeric)) operator(pg_catalog.+)
                (-1::pg_catalog.numeric), (-1::pg_catalog.numeric)), -1000)::pg_catalog.int8)
    from (select least(null::pg_catalog.numeric, null::pg_catalog.numeric) as wanted) w
    cross join "copy"."Item_id_seq" q where w.wanted operator(pg_catalog.<=)
    (q.last_value::pg_catalog.numeric operator(pg_catalog.+) case when q.is_called then
        (-1::pg_catalog.numeric) else 0 end)
