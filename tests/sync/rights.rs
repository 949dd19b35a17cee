//! Foreign keys, with every set of rights that a target role may have: rows are written parents
//! first and deleted children first where the checks cannot be put off.

use crate::support::{Outcome, Pair, Role};

const FAMILY: &str = "
    create table z_parent (id int primary key, name text, updated_at timestamptz not null);
    create table m_child (id int primary key, parent_id int not null references z_parent, updated_at timestamptz not null);
    create table a_grandchild (id int primary key, child_id int not null references m_child);
    create table tree (id int primary key, up int references tree, name text)";

const ROWS: &str = "
    insert into z_parent select i, 'p', '2024-01-01' from generate_series(1, 100) i;
    insert into m_child select i, 1 + i % 100, '2024-01-01' from generate_series(1, 500) i;
    insert into a_grandchild select i, 1 + i % 500 from generate_series(1, 900) i;
    insert into tree select i, nullif(i + 1, 1001), 'node' from generate_series(1, 1000) i";

const CHANGES: &str = "
    insert into z_parent values (101, 'new', now());
    insert into m_child values (501, 101, now());
    insert into a_grandchild values (901, 501);
    update m_child set parent_id = 101, updated_at = now() where id = 7;
    delete from a_grandchild where child_id in (select id from m_child where parent_id in (5, 6));
    delete from m_child where parent_id in (5, 6);
    delete from z_parent where id in (5, 6);
    update tree set up = 501 where id = 499; delete from tree where id = 500";

async fn family() -> Pair {
    let db = Pair::with(FAMILY).await;
    db.source(ROWS).await;
    db
}

async fn follow(db: &Pair, role: &Role) -> Outcome {
    db.sync().target_role(role).await.expect_ok();
    db.assert_all_same().await;
    db.source(CHANGES).await;
    let outcome = db.sync().target_role(role).await.expect_ok();
    db.assert_all_same().await;
    db.sync().target_role(role).await.expect_unchanged();
    outcome
}

#[tokio::test]
async fn a_superuser_follows_a_family_of_tables() {
    let db = family().await;
    db.follow(CHANGES).await;
}

#[tokio::test]
async fn an_owner_follows_a_family_of_tables() {
    let db = family().await;
    let owner = db.target_owner().await;
    follow(&db, &owner).await;
}

#[tokio::test]
async fn a_role_with_nothing_but_dml_follows_a_family_of_tables() {
    let db = family().await;
    let writer = db.target_writer().await;
    follow(&db, &writer).await;
}

#[tokio::test]
async fn a_role_that_may_set_the_replica_role_follows_a_family_of_tables() {
    let db = family().await;
    if !db.has(15, "a grant of session_replication_role").await {
        return;
    }
    let writer = db.target_writer().await;
    db.target(&format!("grant set on parameter session_replication_role to {}", writer.name)).await;
    follow(&db, &writer).await;
}

#[tokio::test]
async fn one_worker_is_enough_for_a_family_of_tables() {
    let db = family().await;
    let writer = db.target_writer().await;
    db.sync().target_role(&writer).parallel(1).await.expect_ok();
    db.source(CHANGES).await;
    db.sync().target_role(&writer).parallel(1).await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn cascading_deletes_of_the_target_do_not_take_rows_too_many() {
    let db = Pair::with(
        "create table parent (id int primary key);
         create table child (id int primary key, parent_id int references parent on delete cascade);
         create table loose (id int primary key, parent_id int references parent on delete set null)",
    )
    .await;
    db.source("insert into parent select generate_series(1, 20); insert into child select i, i from generate_series(1, 20) i;
        insert into loose select i, i from generate_series(1, 20) i")
        .await;
    let owner = db.target_owner().await;
    for role in [None, Some(&owner)] {
        let sync = || role.map_or_else(|| db.sync(), |role| db.sync().target_role(role));
        sync().await.expect_ok();
        db.assert_all_same().await;
        let one = "(select min(id) from parent)";
        db.source(&format!("update child set parent_id = 20 where parent_id = {one}; delete from parent where id = {one}"))
            .await;
        sync().await.expect_ok();
        db.assert_all_same().await;
        sync().await.expect_unchanged();
    }
}

#[tokio::test]
async fn a_log_made_beforehand_spares_the_right_to_create() {
    let db = family().await;
    db.sync().await.expect_ok();
    let writer = db.target_writer().await;
    db.target(&format!(
        "revoke create on schema public from {0}, public; grant all on sync_log to {0}",
        writer.name
    ))
    .await;
    db.target(&format!("grant usage on all sequences in schema public to {}", writer.name)).await;
    db.source(CHANGES).await;
    db.sync().target_role(&writer).await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn dependants_of_a_failed_table_are_reported_as_such() {
    let db = family().await;
    let writer = db.target_writer().await;
    db.target("alter table z_parent add constraint no_fifty check (id <> 50)").await;
    let run = db.sync().target_role(&writer).await.expect_exit(1);
    let run = run.expect_failed("z_parent", &["no_fifty"]);
    for table in ["m_child", "a_grandchild"] {
        assert_ne!(run.table(table).status, "success", "{table} depends on z_parent in {run}");
    }
    db.assert_same("tree").await;
}

#[tokio::test]
async fn servers_that_hide_their_control_file_are_synced_all_the_same() {
    let db = Pair::with("create table item (id int primary key, updated_at timestamptz)").await;
    db.both("revoke execute on function pg_control_system() from public").await;
    db.source("insert into item select i, now() from generate_series(1, 5) i").await;
    let (reader, writer) = (db.source_reader().await, db.target_writer().await);
    let run = || db.sync().source_role(&reader).target_role(&writer);
    run().await.expect_ok();
    db.source("delete from item where id = 3").await;
    run().await.expect_ok().expect_strategy("item", "incremental");
    db.assert_same("item").await;
}
