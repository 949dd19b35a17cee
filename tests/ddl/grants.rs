//! The grant in a message mends what the role lacks, wherever it is met.

use crate::rights::mended;
use crate::support::{Pair, pgsync};

/// A table with one row.
async fn one_row() -> Pair {
    let db = Pair::with("create table item (id int primary key, v text)").await;
    db.source("insert into item values (1, 'a')").await;
    db
}

#[tokio::test]
async fn a_view_in_a_condition_is_granted() {
    let db = one_row().await;
    db.source("create view wanted as select 1 as id").await;
    let reader = db.source_reader().await;
    db.source(&format!("revoke select on wanted from {}", reader.name)).await;
    let args = ["-set", "item.where=id in (select id from wanted)"];
    let grant = format!("grant select on table public.wanted to {}", reader.name);
    let run = db.sync().source_role(&reader).args(&args).await;
    assert_ne!(run.status, 0, "{run}");
    drop(run.expect_said(&grant));
    db.source(&grant).await;
    db.sync().source_role(&reader).args(&args).await.expect_ok();
    db.source("create table hidden (id int); alter table hidden enable row level security").await;
    db.source(&format!("grant select on hidden to {}", reader.name)).await;
    let args = ["-set", "item.where=id not in (select id from hidden)"];
    let alter = format!("alter role {} bypassrls", reader.name);
    drop(db.sync().source_role(&reader).args(&args).await.expect_exit(2).expect_said(&alter));
    db.source(&alter).await;
    db.sync().source_role(&reader).args(&args).await.expect_ok();
}

#[tokio::test]
async fn verify_names_the_grants_of_both_sides() {
    let db = one_row().await;
    db.sync().await.expect_ok();
    let (reader, other) = (db.source_reader().await, db.target_reader().await);
    db.source(&format!("revoke select on item from {}", reader.name)).await;
    db.target(&format!("revoke select on item from {}", other.name)).await;
    let verify = || pgsync(&["verify", "-source", &reader.url, "-target", &other.url]);
    let grants = [
        (true, format!("grant select on public.item to {}", reader.name)),
        (false, format!("grant select on public.item to {}", other.name)),
    ];
    for _ in &grants {
        let found = verify().await.expect_exit(1);
        let named = grants
            .iter()
            .find(|(_, grant)| found.stdout.contains(grant) || found.stderr.contains(grant));
        let (of_source, grant) = named.unwrap_or_else(|| panic!("a grant expected of {found}"));
        if *of_source { db.source(grant).await } else { db.target(grant).await }
    }
    verify().await.expect_exit(0);
}

#[tokio::test]
async fn a_database_that_refuses_the_role_is_granted() {
    let db = one_row().await;
    let (reader, writer) = (db.source_reader().await, db.target_writer().await);
    let revoke = format!("revoke connect on database {} from public", db.name);
    db.source(&revoke).await;
    db.target(&revoke).await;
    let grant = |role: &str| format!("grant connect on database {} to {role}", db.name);
    let as_reader = || db.sync().source_role(&reader);
    drop(as_reader().await.expect_exit(1).expect_said(&grant(&reader.name)));
    db.source(&grant(&reader.name)).await;
    as_reader().await.expect_ok();
    let as_writer = || db.sync().target_role(&writer);
    drop(as_writer().await.expect_exit(1).expect_said(&grant(&writer.name)));
    db.target(&grant(&writer.name)).await;
    as_writer().await.expect_ok();
}

#[tokio::test]
async fn some_columns_of_a_source_table_are_enough_where_rules_name_them() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, v text, secret text); insert into item values (1, 'a', 'b')").await;
    let reader = db.source_reader().await;
    db.source(&format!("revoke select on item from {}", reader.name)).await;
    let args = ["-set", "item.columns=id,v"];
    let run = || db.sync().source_role(&reader).args(&args);
    db.source(&format!("grant select (id) on item to {}", reader.name)).await;
    let refused = run().await.expect_exit(1);
    let texts = [
        format!("grant select on public.item to {}", reader.name),
        format!("grant select (ctid) on table public.item to {}", reader.name),
    ];
    drop(refused.expect_failed("item", &[&texts[0], &texts[1]]));
    db.source(&format!("grant select (v) on item to {}", reader.name)).await;
    db.source(&texts[1]).await;
    run().await.expect_ok();
    db.source("insert into item values (2, 'c', 'd')").await;
    run().await.expect_ok();
    assert_eq!(db.target_value("select string_agg(v, ' ' order by id) from item").await, "a c");
}

#[tokio::test]
async fn the_index_of_a_new_unique_constraint_needs_the_schema() {
    let db = Pair::with("create schema app").await;
    db.source(
        "create table app.item (id int primary key, v text); insert into app.item values (1, 'a')",
    )
    .await;
    let (writer, args) = (db.target_writer().await, ["-schema", "app"]);
    db.sync().target_role(&writer).args(&args).await.expect_ok();
    db.target(&format!("revoke create on schema app from {}", writer.name)).await;
    db.source("alter table app.item add unique (v)").await;
    let pasted = mended(&db, &writer, &args).await;
    assert_eq!(pasted, [format!("grant create on schema app to {}", writer.name)]);
    db.assert_all_same().await;
}
