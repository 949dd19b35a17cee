//! Triggers of the target must not write into the copy.

use crate::support::Pair;

const ITEM: &str = "create table item (id int primary key, name text, updated_at timestamptz not null);
    create function touch() returns trigger language plpgsql as $$ begin new.updated_at := now(); return new; end $$;
    create trigger touch before update on item for each row execute procedure touch()";
const ROWS: &str = "insert into item select i, 'n', '2024-01-01' from generate_series(1, 50) i";

async fn items() -> Pair {
    let db = Pair::with(ITEM).await;
    db.source(ROWS).await;
    db
}

#[tokio::test]
async fn a_trigger_that_sets_updated_at_does_not_falsify_the_copy() {
    let db = items().await;
    db.follow("update item set name = 'x' where id < 5").await.expect_changes("item", (0, 4, 0));
    db.source("update item set name = 'y' where id = 2").await;
    db.settle().await.expect_changes("item", (0, 1, 0));
}

#[tokio::test]
async fn the_watermark_is_not_affected_by_a_trigger_of_the_target() {
    let db = items().await;
    db.sync().no_overlap().await.expect_ok();
    db.target("update item set name = name").await;
    db.source("alter table item disable trigger user").await;
    db.source("update item set name = 'x', updated_at = '2024-01-02' where id = 3").await;
    db.sync().no_overlap().await.expect_ok();
    assert_eq!(db.target_value("select name from item where id = 3").await, "x");
}

#[tokio::test]
async fn an_owner_that_is_no_superuser_keeps_triggers_quiet_too() {
    let db = items().await;
    let owner = db.target_owner().await;
    db.sync().target_role(&owner).await.expect_ok();
    db.source("update item set name = 'x' where id < 5; delete from item where id = 9").await;
    db.sync().target_role(&owner).await.expect_ok().expect_changes("item", (0, 4, 1));
    db.assert_same("item").await;
    db.sync().target_role(&owner).await.expect_unchanged();
    let enabled = "select tgenabled from pg_trigger where tgname = 'touch'";
    assert_eq!(db.target_value(enabled).await, "O");
}

#[tokio::test]
async fn a_role_that_cannot_keep_triggers_quiet_is_told_what_would_help() {
    let db = items().await;
    let writer = db.target_writer().await;
    let run = db.sync().target_role(&writer).await.expect_exit(1);
    run.expect_failed("item", &["trigger", "session_replication_role"]);
}

#[tokio::test]
async fn no_trigger_of_any_kind_fires() {
    let db = items().await;
    db.target(
        "create table audit (what text);
         create function note() returns trigger language plpgsql as $$ begin insert into audit values (tg_op); return null; end $$;
         create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
         create trigger note after insert or update or delete on item for each row execute procedure note();
         create trigger refuse before insert or update or delete on item for each statement execute procedure refuse()",
    )
    .await;
    for role in [None, Some(db.target_owner().await)] {
        let sync = || match &role {
            Some(role) => db.sync().exclude("audit").target_role(role),
            None => db.sync().exclude("audit"),
        };
        sync().await.expect_ok();
        db.source("update item set name = name || '!' where id < 5; delete from item where id in (select max(id) from item)")
            .await;
        sync().await.expect_ok().expect_changes("item", (0, 4, 1));
        db.assert_same("item").await;
    }
    assert_eq!(db.target_value("select count(*) from audit").await, "0");
}
