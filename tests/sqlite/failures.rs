//! What goes wrong around a run from a file: nothing is lost, and one line says it.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;
use std::time::Duration;

use crate::app::App;
use crate::support::{OwnServer, Pair, Session, SmallDisk, pgsync};

const FILE: &str = "
    pragma journal_mode = wal;
    create table item (id integer primary key, name text);
    insert into item with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)
        select i, 'name ' || i from n;
    create table other (id integer primary key, n integer); insert into other values (1, 1), (2, 2);
";
const TARGET: &str = "create table item (id bigint primary key, name text); \
                      create table other (id bigint primary key, n integer)";
const FOUND: &str = "select concat_ws(' ', count(*), sum(id), count(distinct name)) from item";

#[tokio::test]
async fn a_target_that_is_restarted_during_a_run_is_written_to_again() {
    let app = App::with(FILE);
    let own = OwnServer::start("");
    for mode in ["fast", "immediate"] {
        let target = Session::open(&own.url("postgres")).await;
        target.run(&format!("drop table if exists item, other, sync_log; {TARGET}")).await;
        target.run("begin; lock table item in exclusive mode").await;
        let url = own.url("postgres");
        let run = pgsync(&["-source", &app.url(), "-target", &url, "-json"]).start();
        let other = Session::open(&url).await;
        other.until("select exists (select from pg_stat_activity where application_name = 'pgsync' and wait_event_type = 'Lock')").await;
        own.restart(mode);
        let run = run.end().await.expect_ok();
        assert_ne!(run.json["retries"], 0, "{run}");
        let target = Session::open(&url).await;
        assert_eq!(target.value(FOUND).await, "2000 2001000 2000");
        pgsync(&["-source", &app.url(), "-target", &url, "-json"]).await.expect_unchanged();
    }
}

#[tokio::test]
async fn a_full_disk_of_the_target_fails_the_table_by_name_and_no_other() {
    let app = App::with(FILE);
    app.run(
        "create table big (id integer primary key, body text); \
             insert into big select id, hex(randomblob(500)) from item",
    );
    let small = SmallDisk::mounted("1m");
    let own = OwnServer::start("");
    let target = Session::open(&own.url("postgres")).await;
    target.run(&format!("create tablespace small location '{}'", small.0.display())).await;
    target.run(TARGET).await;
    target.run("create table big (id bigint primary key, body text) tablespace small").await;
    let run = pgsync(&["-source", &app.url(), "-target", &own.url("postgres"), "-json"]).await;
    run.expect_exit(1).expect_failed("big", &["target", "No space left on device", "53100"]);
    assert_eq!(target.value("select count(*) from big").await, "0");
    assert_eq!(target.value(FOUND).await, "2000 2001000 2000");
}

#[tokio::test]
async fn a_run_reads_one_file_also_when_another_takes_its_place() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    app.sync(&db).await.expect_ok();
    app.run("update item set name = 'changed ' || id; update other set n = 10");
    let next = App::with(FILE);
    next.run("delete from item where id > 1000; update other set n = 20");
    let blocker = db.target_session().await;
    blocker.run("begin; lock table item, other in exclusive mode").await;
    let run = app.sync(&db).start();
    db.until_blocked().await;
    let _ = std::fs::remove_file(app.folder.join("app.db-wal"));
    std::fs::rename(next.path(), app.path()).expect("a rename");
    blocker.run("rollback").await;
    // What arrives is of one of the two files: of that which was there when the run began.
    run.end().await.expect_ok();
    let both = "select (select count(*) from item where name like 'changed%') || ' ' || (select string_agg(n::text, ' ' order by id) from other)";
    assert_eq!(db.target_value(both).await, "2000 10 10");
    app.sync(&db).await.expect_ok();
    assert_eq!(db.target_value(both).await, "0 20 20");
    assert_eq!(db.target_value("select count(*) from item").await, "1000");
    app.sync(&db).await.expect_unchanged();
}

/// Runs in a file system of its own in which the app's folder is mounted read-only.
fn on_a_read_only_mount(app: &App, target: &str, url: &str) -> (Option<i32>, String) {
    let folder = app.folder.display();
    let program = env!("CARGO_BIN_EXE_pgsync");
    let script = format!(
        "mount --bind {folder} {folder} && mount -o remount,bind,ro {folder} && ! touch {folder}/x 2>/dev/null && \
         exec {program} -source '{url}' -target '{target}'"
    );
    ended(Command::new("unshare").args(["-m", "sh", "-c", &script]))
}

/// The exit status, and what was said.
fn ended(command: &mut Command) -> (Option<i32>, String) {
    let run = command.output().expect("a program of util-linux is needed");
    (run.status.code(), String::from_utf8_lossy(&run.stderr).into_owned())
}

#[tokio::test]
async fn a_file_that_is_overwritten_while_it_is_read_is_no_success() {
    let app = App::with(FILE);
    app.run("pragma journal_mode = delete");
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    let session = db.target_session().await;
    session.run("begin; lock table item").await;
    let run = app.sync(&db).start();
    db.until_blocked().await;
    // The same bytes: what counts is that somebody else than SQLite writes them.
    let bytes = std::fs::read(app.path()).expect("a file");
    std::fs::write(app.path(), bytes).expect("a file");
    session.run("rollback").await;
    let run = run.end().await.expect_exit(1);
    run.expect_said("the file was overwritten while it was read, as cp or scp do");
    app.sync(&db).await.expect_ok();
    assert_eq!(db.target_value(FOUND).await, "2000 2001000 2000");
}

#[tokio::test]
async fn a_file_on_a_read_only_mount_is_read_as_immutable_on_the_users_word() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    let before = app.seen();
    let (status, said) = on_a_read_only_mount(&app, &db.target_url(), &app.url());
    assert_eq!(status, Some(1), "a mount needs root: {said}");
    assert!(
        said.contains("with no -wal beside it, can be read with ?immutable=1 behind its path"),
        "{said}"
    );
    let url = format!("{}?immutable=1", app.url());
    let (status, said) = on_a_read_only_mount(&app, &db.target_url(), &url);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(db.target_value(FOUND).await, "2000 2001000 2000");
    assert_eq!(before, app.seen());
    // Without WAL mode, a read-only mount is nothing special.
    app.run("pragma journal_mode = delete; delete from item where id > 1000");
    let (status, said) = on_a_read_only_mount(&app, &db.target_url(), &app.url());
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(db.target_value("select count(*) from item").await, "1000");
}

#[tokio::test]
async fn a_run_that_is_killed_leaves_a_file_that_its_app_and_the_next_run_can_use() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    let blocker = db.target_session().await;
    blocker.run("begin; lock table item in exclusive mode").await;
    let run = app.sync(&db).start();
    db.until_blocked().await;
    let bytes = std::fs::read(app.path()).expect("a file");
    run.signal("KILL");
    drop(run);
    blocker.run("rollback").await;
    db.until_no_sessions().await;
    // The file is as it was; an empty -wal may stand beside it.
    assert_eq!(std::fs::read(app.path()).expect("a file"), bytes);
    if let Ok(wal) = app.folder.join("app.db-wal").metadata() {
        assert_eq!(wal.len(), 0);
    }
    app.sync(&db).await.expect_ok();
    assert_eq!(db.target_value(FOUND).await, "2000 2001000 2000");
    app.run("insert into item values (2001, 'new')");
    // The app has closed the file: what lay beside it is gone.
    assert_eq!(app.seen().keys().collect::<Vec<_>>(), ["app.db"]);
    app.sync(&db).await.expect_ok().expect_changes("item", (1, 0, 0));
    assert_eq!(app.seen().keys().collect::<Vec<_>>(), ["app.db"]);
}

#[tokio::test]
async fn a_boolean_that_turns_two_and_a_zone_that_comes_later_fail_by_name() {
    let app = App::with(
        "create table flag (id integer primary key, done boolean); insert into flag values (1, 0), (2, 1), (3, null); \
         create table event (id integer primary key, at datetime); insert into event values (1, '2024-01-01 10:00:00'); \
         create table item (id integer primary key); insert into item values (1);",
    );
    let db = Pair::fresh().await;
    app.sync(&db).await.expect_ok();
    let types = "select string_agg(format_type(atttypid, atttypmod), ', ' order by attname) from pg_attribute \
                 where attrelid in ('flag'::regclass, 'event'::regclass) and attname in ('done', 'at')";
    assert_eq!(db.target_value(types).await, "timestamp without time zone, boolean");
    app.run("insert into flag values (4, 2); insert into event values (2, '2024-01-01 10:00:00+02:00'); \
             insert into item values (2)");
    let run = app.sync(&db).await.expect_exit(1).expect_changes("item", (1, 0, 0));
    run.expect_failed(
        "flag",
        &["row (id) = (4): column \"done\" holds what the target cannot hold"],
    )
    .expect_failed("event", &["column \"at\""]);
    assert_eq!(db.target_value("select count(*) from flag").await, "3");
    assert_eq!(db.target_value("select count(*) from event").await, "1");
}

/// What is no database says so at once, whatever else is to be done.
#[tokio::test]
async fn a_run_does_not_wait_for_a_target_to_say_that_the_file_is_none() {
    let app = App::empty();
    std::fs::write(app.path(), "no database").expect("a file");
    let db = Pair::fresh().await;
    let begun = std::time::Instant::now();
    let run = pgsync(&["-source", &app.url(), "-target", &db.target_url()]).await.expect_exit(1);
    assert!(begun.elapsed() < Duration::from_secs(5), "{run}");
    assert_eq!(run.stderr.matches("is no SQLite database").count(), 1, "one line: {run}");
}

/// Runs as somebody who may read the file and not write it.
fn as_a_reader(app: &App, target: &str) -> (Option<i32>, String) {
    let program = env!("CARGO_BIN_EXE_pgsync");
    let url = app.url();
    let args = [program, "-source", &url, "-target", target];
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    // Root may write whatever it likes, unless this is taken from it.
    let words: Vec<&str> = if is_root {
        ["setpriv", "--bounding-set=-dac_override"].into_iter().chain(args).collect()
    } else {
        args.to_vec()
    };
    ended(Command::new(words[0]).args(&words[1..]))
}

#[tokio::test]
async fn a_wal_file_that_may_only_be_read_is_refused_and_nothing_is_left_beside_it() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    std::fs::set_permissions(app.path(), Permissions::from_mode(0o444)).expect("a mode");
    let before = app.seen();
    let (status, said) = as_a_reader(&app, &db.target_url());
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("this user may only read it") && said.contains("?immutable=1"), "{said}");
    assert_eq!(before, app.seen());
    // What stands in it is whole.
    std::fs::set_permissions(app.path(), Permissions::from_mode(0o644)).expect("a mode");
    assert_eq!(as_a_reader(&app, &db.target_url()).0, Some(0));
    assert_eq!(before.len(), app.seen().len());
}
