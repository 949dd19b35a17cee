-- dangling
select 0 where exists (select from "copy"."line" c
        where c."item_id" is not null and c."shop" is not null and not exists
        (select from "copy"."Item" p where p."id" operator("pg_catalog".=) c."item_id"
            and p."shop" operator("pg_catalog".=) c."shop"))
    union all select 1 where exists (select from "copy"."line" c
        where c."item_id" is not null and c."shop" is not null and not exists
        (select from "copy"."Item" p where p."id" operator("pg_catalog".=) c."item_id"
            and p."shop" operator("pg_catalog".=) c."shop"))
