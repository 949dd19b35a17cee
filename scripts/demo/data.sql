-- About 390,000 rows, last touched some time in the two years before 2025.
create function pg_temp.touched(n bigint) returns timestamptz language sql immutable as
    $$ select '2023-01-01 00:00:00+00'::timestamptz + (n * 7919 % 63072000) * interval '1 second' $$;

insert into category (id, parent_id, name, updated_at)
select i, nullif(i / 4, 0), 'category ' || i, pg_temp.touched(i) from generate_series(1, 300) i;

insert into customer
select md5('customer' || i)::uuid, 'customer' || i || '@example.com',
       (array['Ada', 'Björn', 'Chloé', 'Дмитрий', '恵', 'Zoë'])[1 + i % 6] || ' ' || initcap(substr(md5(i::text), 1, 8)),
       case when i % 5 > 0 then '1950-01-01'::date + i % 20000 end,
       case i % 3 when 0 then array['vip', 'a "quoted" tag'] when 1 then array['news'] else '{}' end,
       jsonb_build_object('language', (array['de', 'en', 'fr'])[1 + i % 3], 'visits', i % 97), pg_temp.touched(i)
from generate_series(1, 30000) i;

insert into address (customer_id, street, city, country, updated_at)
select md5('customer' || 1 + i % 30000)::uuid, i % 200 || E' Long Road\nBack door', 'Town ' || i % 500,
       (array['CH', 'DE', 'FR'])[1 + i % 3], pg_temp.touched(i * 3)
from generate_series(1, 40000) i;

insert into product (id, sku, name, price, picture, attributes, updated_at)
select i, 'SKU-' || i, 'Product ' || i, (i % 20000) / 100.0, case when i % 4 = 0 then decode(md5(i::text), 'hex') end,
       case when i % 2 = 0 then jsonb_build_object('weight', i % 50, 'colours', array['red', 'blue']) end,
       pg_temp.touched(i * 5) at time zone 'UTC'
from generate_series(1, 5000) i;

insert into product_category
select distinct i % 5000 + 1, i % 300 + 1 from generate_series(1, 12000) i;

insert into "order" (customer_id, ship_to, state, total, note, updated_at)
select md5('customer' || 1 + i * 17 % 30000)::uuid, case when i % 9 > 0 then 1 + i % 40000 end,
       (enum_range(null::order_state))[1 + i % 5], i % 100000 / 100.0, case when i % 11 = 0 then 'leave at the door \ ring' end,
       pg_temp.touched(i * 11)
from generate_series(1, 60000) i;

insert into order_line
select 1 + (i - 1) / 2, 1 + i % 2, 1 + i * 13 % 5000, 1 + i % 4, (i % 20000) / 100.0, pg_temp.touched(i * 13)
from generate_series(1, 120000) i;

insert into payment
select md5('payment' || i)::uuid, i, i % 100000 / 100.0, decode(md5(i::text) || '00ff5c0a0d09', 'hex'), pg_temp.touched(i * 17)
from generate_series(1, 40000) i;

insert into audit_log (happened, actor, what, details)
select pg_temp.touched(i * 19), ('10.0.' || i % 256 || '.' || i % 100)::inet, 'login ' || i % 1000,
       case when i % 3 = 0 then jsonb_build_object('agent', 'browser ' || i % 20) end
from generate_series(1, 60000) i;

insert into page_view
select '/product/' || i % 800, (i % 17) / 3.0 from generate_series(1, 20000) i;

analyze;
