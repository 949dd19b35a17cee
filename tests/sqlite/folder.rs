//! The file and its folder look after a run as before.

use crate::app::{App, Seen};
use crate::support::Pair;

const ITEM: &str = "create table item (id integer primary key, name text); \
                    insert into item values (1, 'one'), (2, 'two');";

async fn target() -> Pair {
    let db = Pair::fresh().await;
    db.target("create table item (id bigint primary key, name text)").await;
    db
}

/// Two runs that leave the folder as it was, but for what a reader may rewrite.
async fn expect_untouched(app: &App, rows: u64) {
    let db = target().await;
    let without_shm = |mut seen: Seen| {
        seen.retain(|name, _| !name.ends_with("-shm"));
        seen
    };
    let before = app.seen();
    app.sync(&db).await.expect_ok().expect_changes("item", (rows, 0, 0));
    app.sync(&db).await.expect_unchanged();
    let after = app.seen();
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert_eq!(without_shm(before), without_shm(after));
}

#[tokio::test]
async fn of_a_file_with_a_rollback_journal() {
    expect_untouched(&App::with(ITEM), 2).await;
}

#[tokio::test]
async fn of_a_file_in_wal_mode_that_nobody_has_open() {
    let app = App::with(&format!("pragma journal_mode = wal; {ITEM}"));
    assert_eq!(app.seen().len(), 1);
    expect_untouched(&app, 2).await;
}

#[tokio::test]
async fn of_a_file_in_wal_mode_that_its_app_has_open() {
    let app = App::with(&format!("pragma journal_mode = wal; {ITEM}"));
    let open = app.open();
    open.execute_batch("insert into item values (3, 'three')").expect("a row");
    assert_eq!(app.seen().len(), 3);
    expect_untouched(&app, 3).await;
    drop(open);
    assert_eq!(app.seen().len(), 1);
}

#[tokio::test]
async fn of_a_file_in_wal_mode_whose_app_was_killed() {
    let app = App::with(&format!("pragma journal_mode = wal; {ITEM}"));
    let open = app.open();
    open.execute_batch("insert into item values (3, 'three')").expect("a row");
    // What a killed app leaves behind.
    let left = App::empty();
    for name in app.seen().keys() {
        std::fs::copy(app.folder.join(name), left.folder.join(name)).expect("a copy");
    }
    drop(open);
    expect_untouched(&left, 3).await;
}

#[tokio::test]
async fn of_a_file_that_is_read_as_immutable() {
    let app = App::with(&format!("pragma journal_mode = wal; {ITEM}"));
    let db = target().await;
    let before = app.seen();
    let url = format!("{}?immutable=1", app.url());
    app.sync(&db).source_url(url).await.expect_ok().expect_changes("item", (2, 0, 0));
    assert_eq!(before, app.seen());
}
