-- A day in the shop.
begin;
insert into customer (id, email, name) select md5('new' || i)::uuid, 'new' || i || '@example.com', 'New ' || i from generate_series(1, 200) i;
insert into address (customer_id, street, city, country) select md5('new' || i)::uuid, '1 New Road', 'Town', 'CH' from generate_series(1, 200) i;
insert into "order" (customer_id, state, total) select md5('new' || i)::uuid, 'ordered', i from generate_series(1, 200) i;
insert into order_line select o.id, 1, 1 + o.id % 5000, 1, 9.90 from "order" o where o.id > 60000;
commit;

-- Changed, in every way that a row can change.
update "order" set state = 'shipped' where id % 100 = 7;
update product set price = price + 1, picture = null where id % 250 = 0;
update customer set settings = settings || '{"newsletter": false}', tags = tags || '{"back\\slash"}' where email like '%77@example.com';
update product set sku = 'SKU-12-old' where id = 12; -- a unique value that moves to another row
update product set sku = 'SKU-12' where id = 11;
update category set parent_id = 299 where id = 250;
update audit_log set details = '{"checked": true}' where id % 5000 = 0;

-- Gone, alone and in families.
delete from payment where order_id between 100 and 160;
delete from "order" where id between 100 and 130;
delete from address where id % 4000 = 0;
delete from product_category where product_id % 100 = 3 or category_id = 300;
delete from audit_log where id between 20000 and 20049;
delete from page_view where ctid in (select ctid from page_view where path = '/product/5' limit 7);

-- The same key again with another row, and another key for the same row.
delete from payment where order_id = 500;
insert into payment values (md5('payment500')::uuid, 501, 12.34, null);
update category set id = 1000 where id = 300;
insert into page_view values ('/product/5', 1), ('/product/5', 1), ('/new', null);
