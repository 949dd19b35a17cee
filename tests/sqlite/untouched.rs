//! A file that nobody has touched since the last run is not read again, and all that looks like one is.

use std::fs::{File, FileTimes};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

use rusqlite::Connection;

use crate::app::App;
use crate::support::{Outcome, Pair, Sync};

const FILE: &str = "
    create table item (id integer primary key, name text, at datetime);
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 30000)
        insert into item select i, 'name ' || i, '2024-02-29 12:00:00' from n;
    create table tag (name text primary key not null, item_id integer) without rowid;
    insert into tag values ('one', 1), ('two', 2);
";

const TARGET: &str = "create table item (id bigint primary key, name text, at timestamp); \
                      create table tag (name text primary key, item_id bigint)";

const NOT_READ: &str = "nobody has written to the source since the last run";

/// A file whose last write lies so far back that another one would have another time.
async fn settle(app: &App) {
    for name in ["app.db", "app.db-wal"] {
        let Ok(found) = app.folder.join(name).metadata() else { continue };
        let changed = SystemTime::UNIX_EPOCH
            + Duration::new(found.ctime() as u64, found.ctime_nsec() as u32)
            + Duration::from_millis(2010);
        let left = changed.duration_since(SystemTime::now()).unwrap_or_default();
        tokio::time::sleep(left).await;
    }
}

fn sync<'a>(app: &App, db: &'a Pair) -> Sync<'a> {
    app.sync(db).args(&["-verbose"])
}

trait Told {
    fn expect_not_read(self) -> Self;
    fn expect_read(self) -> Self;
}

impl Told for Outcome {
    fn expect_not_read(self) -> Self {
        self.expect_ok().expect_said(NOT_READ)
    }

    fn expect_read(self) -> Self {
        self.expect_ok().expect_unsaid(NOT_READ)
    }
}

/// A pair that is in sync with a file that has settled, and has not been read for that.
async fn in_sync(app: &App) -> Pair {
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    settle(app).await;
    sync(app, &db).await.expect_read();
    sync(app, &db).await.expect_unchanged().expect_not_read();
    db
}

#[tokio::test]
async fn an_untouched_file_is_not_read_again() {
    let app = App::with(FILE);
    let db = in_sync(&app).await;
    // Also after a run that has not read it.
    let run = sync(&app, &db).await.expect_unchanged().expect_not_read();
    run.expect_tables(&["item", "tag"]);
    sync(&app, &db).args(&["-reconcile"]).await.expect_unchanged().expect_read();
    sync(&app, &db).await.expect_not_read();
    sync(&app, &db).args(&["-dry-run"]).await.expect_not_read();
}

#[tokio::test]
async fn a_file_is_read_until_its_last_write_has_settled() {
    let app = App::with(FILE);
    let db = in_sync(&app).await;
    app.run("update item set name = 'changed' where id = 7");
    sync(&app, &db).await.expect_read().expect_changes("item", (0, 1, 0));
    settle(&app).await;
    // What the run above saw may have been followed by a write of the same time.
    sync(&app, &db).await.expect_read().expect_unchanged();
    sync(&app, &db).await.expect_not_read();
}

#[tokio::test]
async fn what_somebody_did_to_the_target_is_mended_from_an_untouched_file() {
    let app = App::with(FILE);
    let db = in_sync(&app).await;
    db.target(
        "update item set name = 'of the target' where id = 9; delete from item where id = 10",
    )
    .await;
    db.target("insert into tag values ('three', 3)").await;
    let run = sync(&app, &db).await.expect_read();
    run.expect_changes("item", (1, 1, 0)).expect_changes("tag", (0, 0, 1));
    sync(&app, &db).await.expect_unchanged().expect_not_read();
    db.target("delete from tag").await;
    sync(&app, &db).await.expect_ok().expect_changes("tag", (2, 0, 0));
}

#[tokio::test]
async fn a_file_that_takes_the_place_of_another_is_read() {
    let app = App::with(FILE);
    let db = in_sync(&app).await;
    let found = app.path().metadata().expect("a file");
    let other = App::empty();
    std::fs::copy(app.path(), other.path()).expect("a copy");
    other.run("update item set name = 'Name 5' where id = 5");
    let times = FileTimes::new().set_modified(found.modified().expect("a time"));
    let opened = File::options().write(true).open(other.path()).expect("a file");
    opened.set_times(times).expect("a time that is set");
    let same = other.path().metadata().expect("a file");
    assert_eq!((same.len(), same.mtime_nsec()), (found.len(), found.mtime_nsec()));
    std::fs::rename(other.path(), app.path()).expect("a file can be renamed over another");
    settle(&app).await;
    sync(&app, &db).await.expect_read().expect_changes("item", (0, 1, 0));
}

#[tokio::test]
async fn a_file_whose_bytes_were_replaced_under_its_old_time_is_read() {
    let app = App::with(FILE);
    let db = in_sync(&app).await;
    let found = app.path().metadata().expect("a file");
    app.run("update item set name = 'Name 5' where id = 5");
    let times = FileTimes::new().set_modified(found.modified().expect("a time"));
    let opened = File::options().write(true).open(app.path()).expect("a file");
    opened.set_times(times).expect("a time that is set");
    settle(&app).await;
    sync(&app, &db).await.expect_read().expect_changes("item", (0, 1, 0));
}

#[tokio::test]
async fn a_change_that_stands_in_the_wal_alone_is_read() {
    let app = App::with(&format!("pragma journal_mode = wal; {FILE}"));
    let open = app.open();
    open.execute_batch(
        "pragma wal_autocheckpoint = 0; update item set name = 'first' where id = 1",
    )
    .expect("a change");
    let db = in_sync(&app).await;
    let before = app.path().metadata().expect("a file");
    open.execute_batch("update item set name = 'second' where id = 1").expect("a change");
    let after = app.path().metadata().expect("a file");
    assert_eq!((before.len(), before.mtime_nsec()), (after.len(), after.mtime_nsec()));
    settle(&app).await;
    sync(&app, &db).await.expect_read().expect_changes("item", (0, 1, 0));
    sync(&app, &db).await.expect_unchanged().expect_not_read();
    // Over the same pages again, which leaves the size of the -wal as it is.
    open.execute_batch(
        "pragma wal_checkpoint(restart); update item set name = 'third' where id = 1",
    )
    .expect("a change");
    settle(&app).await;
    sync(&app, &db).await.expect_read().expect_changes("item", (0, 1, 0));
}

/// Between what is written into the `-wal` and what makes it a commit, any time may pass.
#[tokio::test]
async fn a_commit_that_the_wal_held_before_it_was_one_is_read() {
    let app = App::with(&format!("pragma journal_mode = wal; {FILE}"));
    let open = app.open();
    open.execute_batch(
        "pragma wal_autocheckpoint = 0; pragma cache_size = 2; pragma cache_spill = 1; \
         update item set name = 'first' where id = 1",
    )
    .expect("a change");
    // More than the cache holds goes into the -wal before its commit.
    open.execute_batch("begin; update item set name = 'spilled ' || id").expect("a change");
    let db = in_sync(&app).await;
    assert_eq!(db.target_value("select name from item where id = 1").await, "first");
    open.execute_batch("commit").expect("a commit");
    let run = sync(&app, &db).await.expect_read();
    run.expect_changes("item", (0, 30_000, 0));
}

#[tokio::test]
async fn other_rules_and_other_columns_have_the_file_read() {
    let app = App::with(FILE);
    let db = in_sync(&app).await;
    let filtered = ["-set", "item.where=id <= 10"];
    let run = sync(&app, &db).args(&filtered).await.expect_ok();
    run.expect_changes("item", (0, 0, 29_990));
    sync(&app, &db).args(&["-include", "item"]).await.expect_read();
    let chosen = ["-include", "item", "-set", "item.columns=id,name"];
    sync(&app, &db).args(&chosen).await.expect_unchanged().expect_read();
    db.target("alter table item alter at type timestamptz using at at time zone 'UTC'").await;
    sync(&app, &db).args(&["-include", "item"]).await.expect_unchanged().expect_read();
    sync(&app, &db).args(&["-include", "item"]).await.expect_unchanged().expect_not_read();
    // In milliseconds, the texts are none of the form.
    let given = ["-include", "item", "-timestamps", "item.at=unixms"];
    sync(&app, &db).args(&given).await.expect_exit(1);
}

/// Which rows fulfil a condition may depend on the time, however that is written.
#[tokio::test]
async fn a_table_with_a_condition_is_read_each_time() {
    let app = App::with(FILE);
    app.run("create view past as select id from item where at < datetime('now')");
    let db = in_sync(&app).await;
    for condition in [
        "id <= 10",
        "id <= 10 and at < date()",
        "id <= 10 and [unixepoch]() > 0",
        "id <= 10 and `date`() > at",
        "id <= 10 and id in (select id from past)",
    ] {
        let rule = format!("item.where={condition}");
        for _ in 0..2 {
            let run = sync(&app, &db).args(&["-include", "item", "-set", &rule]).await;
            run.expect_read();
        }
    }
    // Another table of the same run has none.
    let run = sync(&app, &db).args(&["-set", "item.where=id <= 10"]).await;
    run.expect_not_read().expect_unchanged();
}

#[tokio::test]
async fn another_version_reads_the_file() {
    let app = App::with(FILE);
    let db = in_sync(&app).await;
    db.target("update sync_log set source_rows = regexp_replace(source_rows, '^\\S+', '0.0.1')")
        .await;
    sync(&app, &db).await.expect_unchanged().expect_read();
    sync(&app, &db).await.expect_unchanged().expect_not_read();
}

#[tokio::test]
async fn a_log_of_an_older_version_gets_its_column() {
    let app = App::with(FILE);
    let db = in_sync(&app).await;
    db.target("alter table sync_log drop column source_rows").await;
    sync(&app, &db).await.expect_unchanged().expect_read();
    sync(&app, &db).await.expect_unchanged().expect_not_read();
}

#[tokio::test]
async fn a_file_behind_a_link_is_read_with_its_wal() {
    let app = App::with(&format!("pragma journal_mode = wal; {FILE}"));
    let (link, db) = (App::empty(), Pair::fresh().await);
    std::os::unix::fs::symlink(app.path(), link.path()).expect("a link");
    db.target(TARGET).await;
    let open = app.open();
    open.execute_batch("insert into tag values ('three', 3)").expect("a row");
    settle(&app).await;
    sync(&link, &db).await.expect_read().expect_changes("tag", (3, 0, 0));
    sync(&link, &db).await.expect_unchanged().expect_not_read();
    open.execute_batch("update tag set item_id = 4").expect("rows");
    sync(&link, &db).await.expect_read().expect_changes("tag", (0, 3, 0));
    drop(open);
    // Nothing is left beside the file either.
    sync(&link, &db).await.expect_ok();
    assert_eq!((app.seen().len(), link.seen().len()), (1, 1));
}

#[tokio::test]
async fn an_immutable_file_is_not_read_again_either() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    settle(&app).await;
    let url = format!("{}?immutable=1", app.url());
    sync(&app, &db).source_url(&*url).await.expect_read();
    sync(&app, &db).source_url(&*url).await.expect_unchanged().expect_not_read();
    let other = Connection::open(app.path()).expect("a file");
    other.execute_batch("delete from tag").expect("a change");
    settle(&app).await;
    sync(&app, &db).source_url(&*url).await.expect_read().expect_changes("tag", (0, 0, 2));
}

#[tokio::test]
async fn rows_that_were_left_out_are_said_in_every_run() {
    let app = App::with(
        "create table item (id integer primary key, name text, at datetime); create table tag (name text primary key not null, item_id integer); \
         insert into tag values ('one', 1), ('two', 'x')",
    );
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    settle(&app).await;
    for _ in 0..3 {
        let run = sync(&app, &db).args(&["-bad-rows", "skip"]).await.expect_exit(1);
        run.expect_said("row (name) = (two): column \"item_id\"");
    }
}
