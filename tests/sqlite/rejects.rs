//! The file of `-rejects`: what it may not replace, and whose permissions it has.

use std::fs::Permissions;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::app::App;
use crate::support::Pair;

const FILE: &str = "
    create table item (id integer primary key, n integer);
    insert into item values (1, 10), (2, 'ten');
";
const TARGET: &str = "create table item (id bigint primary key, n integer)";

fn mode(path: &Path) -> u32 {
    path.metadata().expect("a file").permissions().mode() & 0o777
}

#[tokio::test]
async fn no_list_takes_the_place_of_what_a_run_reads() {
    let app = App::with(&format!("pragma journal_mode = wal; {FILE}"));
    let config = app.folder.join("config.json");
    std::fs::write(&config, "{}").expect("a file");
    symlink("app.db", app.folder.join("link")).expect("a link");
    std::fs::hard_link(app.path(), app.folder.join("hard")).expect("a link");
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    // With rows in its -wal, and a -shm.
    let open = app.open();
    open.execute_batch("insert into item values (3, 30)").expect("a row");
    let before = app.seen();
    let beside = "is a file that SQLite keeps beside the source: name another file";
    for (name, why) in [
        ("app.db", "is the source: name another file"),
        ("link", "is the source: name another file"),
        ("hard", "is the source: name another file"),
        ("app.db-wal", beside),
        ("app.db-shm", beside),
        ("app.db-journal", beside),
        ("config.json", "is the config file: name another file"),
    ] {
        let list = app.folder.join(name).display().to_string();
        let args = ["-config", &config.display().to_string(), "-rejects", &list];
        let run = app.sync(&db).args(&args).await.expect_exit(2);
        run.expect_said(&format!("-rejects {list}: {why}"));
        assert_eq!(app.seen(), before, "{name}");
    }
    assert_eq!(db.target_value("select count(*)::text from item").await, "0");
}

#[tokio::test]
async fn a_pipe_stays_one() {
    let (app, other) = (App::with(FILE), App::empty());
    let pipe = other.folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()));
    let db = Pair::fresh().await;
    let run = app.sync(&db).args(&["-rejects", &pipe.display().to_string()]).await.expect_exit(2);
    run.expect_said("is no regular file: name a file that may be replaced");
    assert!(pipe.symlink_metadata().expect("a pipe").file_type().is_fifo());
}

#[tokio::test]
async fn the_list_behind_a_link_is_replaced_and_keeps_its_permissions() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    let (list, link) = (app.folder.join("list"), app.folder.join("link"));
    std::fs::write(&list, "old").expect("a file");
    std::fs::set_permissions(&list, Permissions::from_mode(0o640)).expect("permissions");
    symlink("list", &link).expect("a link");
    app.sync(&db).args(&["-rejects", &link.display().to_string()]).await.expect_exit(1);
    assert!(link.is_symlink());
    assert_eq!(std::fs::read_to_string(&list).expect("a list").lines().count(), 1);
    assert_eq!(mode(&list), 0o640);
    let new = app.folder.join("new");
    app.sync(&db).args(&["-rejects", &new.display().to_string()]).await.expect_exit(1);
    assert_eq!(mode(&new), 0o600);
    assert!(app.seen().keys().all(|name| !name.starts_with('.')), "{:?}", app.seen());
}
