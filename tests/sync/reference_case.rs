//! The schema that the program was first asked for, with a target role that owns it and is no
//! superuser: unique names that move, cascading foreign keys, and triggers that must not fire.

use crate::support::Pair;

const SCHEMA: &str = "
create table packages (id bigserial primary key, name varchar(64) not null, description text not null, link text not null,
  reason text not null, created_at timestamp not null default current_timestamp, updated_at timestamp not null default current_timestamp);
create unique index package_name_uindex on packages (name);
create table package_categories (id bigserial primary key, name varchar(64) not null, parent_id integer default 0,
  created_at timestamp not null default current_timestamp, updated_at timestamp not null default current_timestamp);
create unique index package_category_name_parent_id_uindex on package_categories (name, parent_id);
create table package_category_relations (id bigserial primary key, package_id integer not null references packages(id) on delete cascade,
  category_id integer not null references package_categories(id) on delete cascade,
  created_at timestamp not null default current_timestamp, updated_at timestamp not null default current_timestamp);
create function touch() returns trigger language plpgsql as $$ begin new.updated_at = current_timestamp; return new; end $$;
create function broken() returns trigger language plpgsql as $$ begin NEW.update_at = current_timestamp; return NEW; end $$;
create trigger touch before update on packages for each row execute procedure touch()";

const BROKEN: &str = "
create trigger broken before update on package_categories for each row execute procedure broken();
create trigger broken before update on package_category_relations for each row execute procedure broken()";

const ROWS: &str = "
insert into packages (name, description, link, reason, updated_at)
  select 'p' || i, 'd', 'l', 'r', '2024-01-01'::timestamp + i * interval '1 min' from generate_series(1, 200) i;
insert into package_categories (name, parent_id, updated_at)
  select 'c' || i / 2, i % 2, '2024-01-01'::timestamp + i * interval '1 min' from generate_series(1, 40) i;
insert into package_category_relations (package_id, category_id, updated_at)
  select 1 + i % 200, 1 + i % 40, '2024-01-01'::timestamp + i * interval '1 min' from generate_series(1, 500) i";

const CHANGES: &str = "
update packages set name = case id when 1 then 'p2' else 'p1' end || '?' where id in (1, 2);
update packages set name = case id when 1 then 'p2' else 'p1' end where id in (1, 2);
update packages set name = name || '!' where id in (10, 11, 12);
update packages set name = case id when 10 then 'p11' when 11 then 'p12' else 'p10' end where id in (10, 11, 12);
delete from packages where id in (20, 21, 22);
insert into packages (name, description, link, reason) values ('p20', 'new', 'l', 'r');
update packages set name = 'p21' where id = 30;
update packages set description = 'changed' where id between 40 and 60;
delete from package_categories where id in (5, 6);
update package_categories set name = name || '-', updated_at = now() where id in (7, 9);
update package_categories set name = case id when 7 then 'c4' else 'c3' end, updated_at = now() where id in (7, 9);
insert into package_categories (name, parent_id) values ('c2', 1);
update package_category_relations set package_id = 201, updated_at = now() where id % 50 = 1
  and package_id not in (20, 21, 22);
insert into packages (id, name, description, link, reason) values (900, 'nine', 'd', 'l', 'r');
insert into package_category_relations (package_id, category_id) values (900, 1), (30, 2)";

#[tokio::test]
async fn the_reference_case_is_in_step_after_one_run() {
    let db = Pair::with(SCHEMA).await;
    db.target(BROKEN).await;
    let owner = db.target_owner().await;
    db.source(ROWS).await;
    db.sync().target_role(&owner).batch_size(7).await.expect_ok();
    db.assert_all_same().await;
    db.source(CHANGES).await;
    db.sync().target_role(&owner).batch_size(7).await.expect_ok();
    db.assert_all_same().await;
    db.sync().target_role(&owner).await.expect_unchanged();
}

#[tokio::test]
async fn the_reference_case_starts_from_a_restored_dump_as_well() {
    let db = Pair::with(SCHEMA).await;
    db.both(ROWS).await;
    db.target(BROKEN).await;
    let owner = db.target_owner().await;
    db.source(CHANGES).await;
    db.settle_as(&owner).await;
}
