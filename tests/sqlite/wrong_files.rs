//! What is no database that can be read: one clear line, soon.

use std::process::Command;
use std::time::Instant;

use crate::app::App;
use crate::support::{Outcome, Pair, pgsync};

async fn run(url: &str) -> Outcome {
    let db = Pair::fresh().await;
    db.target("create table item (id bigint primary key, name text)").await;
    pgsync(&["-source", url, "-target", &db.target_url()]).await
}

async fn immutable(app: &App) -> Outcome {
    run(&format!("{}?immutable=1", app.url())).await
}

/// The one line of a run from the file of the app.
async fn told(app: &App) -> String {
    let begun = Instant::now();
    let run = run(&app.url()).await;
    assert!(begun.elapsed().as_secs_f64() < 5.0, "{:?} of {run}", begun.elapsed());
    assert!(matches!(run.status, 1 | 2), "exit status 1 or 2 expected of {run}");
    run.stderr
}

fn many_rows() -> App {
    let app = App::with("create table item (id integer primary key, name text)");
    app.run(
        "insert into item with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) \
         select i, hex(randomblob(40)) from n",
    );
    app
}

#[tokio::test]
async fn a_path_that_leads_nowhere() {
    let told = told(&App::empty()).await;
    assert!(told.contains("app.db: there is no such file"), "{told}");
}

#[tokio::test]
async fn a_folder() {
    let app = App::empty();
    std::fs::create_dir(app.path()).expect("a folder");
    let told = told(&app).await;
    assert!(told.contains("is a directory, not a SQLite database"), "{told}");
}

#[tokio::test]
async fn a_fifo() {
    let app = App::empty();
    assert!(Command::new("mkfifo").arg(app.path()).status().is_ok_and(|status| status.success()));
    let told = told(&app).await;
    assert!(told.contains("is no regular file"), "{told}");
}

#[tokio::test]
async fn an_empty_file() {
    let app = App::empty();
    std::fs::write(app.path(), "").expect("a file");
    let told = told(&app).await;
    assert!(told.contains("is empty (0 bytes)"), "{told}");
}

#[tokio::test]
async fn a_text() {
    let app = App::empty();
    std::fs::write(app.path(), "Dear diary, today I wrote no database at all.\n".repeat(99))
        .expect("a file");
    let told = told(&app).await;
    assert!(told.contains("is no SQLite database, or it is encrypted"), "{told}");
}

#[tokio::test]
async fn a_file_that_is_cut_off() {
    let app = many_rows();
    let bytes = std::fs::read(app.path()).expect("a file");
    for length in [50, 5000, bytes.len() / 2] {
        std::fs::write(app.path(), &bytes[..length]).expect("a file");
        let told = told(&app).await;
        assert!(told.contains("is cut off"), "of {length} bytes: {told}");
    }
}

#[tokio::test]
async fn a_file_with_a_page_of_noise() {
    let app = many_rows();
    let mut bytes = std::fs::read(app.path()).expect("a file");
    let middle = bytes.len() / 2 / 4096 * 4096;
    for (place, byte) in bytes[middle..middle + 4096].iter_mut().enumerate() {
        *byte = (place * 7 % 251) as u8;
    }
    std::fs::write(app.path(), bytes).expect("a file");
    let told = told(&app).await;
    assert!(told.contains("the file is damaged"), "{told}");
}

#[tokio::test]
async fn a_file_whose_journal_is_hot() {
    let app = many_rows();
    let open = app.open();
    open.execute_batch("pragma cache_size = 2; begin; update item set name = 'x' || name")
        .expect("an update");
    let left = App::empty();
    for name in app.seen().keys() {
        std::fs::copy(app.folder.join(name), left.folder.join(name)).expect("a copy");
    }
    drop(open);
    assert_eq!(left.seen().len(), 2, "there is a journal");
    let before = left.seen();
    let told = told(&left).await;
    assert!(told.contains("its journal is not rolled back yet"), "{told}");
    assert_eq!(before, left.seen());
    // As immutable, half a transaction would be read.
    let told = immutable(&left).await.stderr;
    assert!(told.contains("its journal is not rolled back yet"), "{told}");
    assert_eq!(before, left.seen());
    // A journal that was ended says nothing.
    let app = many_rows();
    app.run("pragma journal_mode = persist; update item set name = 'x' || name");
    assert_eq!(app.seen().len(), 2, "there is a journal");
    assert_eq!(immutable(&app).await.status, 0);
}

#[tokio::test]
async fn an_immutable_file_with_rows_in_its_wal() {
    let app = many_rows();
    app.run("pragma journal_mode = wal");
    let open = app.open();
    open.execute_batch("insert into item (name) values ('new')").expect("a row");
    let before = app.seen();
    let run = immutable(&app).await;
    assert_eq!(run.status, 1);
    let told = run.stderr;
    assert!(told.contains("may hold what the file itself does not have"), "{told}");
    assert_eq!(before, app.seen());
    drop(open);
    assert_eq!(immutable(&app).await.status, 0);
}

#[tokio::test]
async fn a_file_that_another_program_holds_locked() {
    let app = many_rows();
    let open = app.open();
    open.execute_batch("begin exclusive").expect("a lock");
    let db = Pair::fresh().await;
    let run =
        pgsync(&["-source", &app.url(), "-target", &db.target_url(), "-lock-timeout", "300ms"])
            .await;
    let run = run.expect_exit(1);
    assert!(run.stderr.contains("another program holds the file locked"), "{run}");
    drop(open);
}

#[tokio::test]
async fn a_bare_path_that_is_no_database() {
    let app = App::empty();
    let db = Pair::fresh().await;
    db.target("create table item (id bigint primary key, name text)").await;
    let run =
        async |source: String| pgsync(&["-source", &source, "-target", &db.target_url()]).await;
    let path = app.path().display().to_string();
    run(path.clone()).await.expect_exit(1).expect_said("app.db: there is no such file");
    std::fs::write(app.path(), "Dear diary").expect("a file");
    run(path.clone()).await.expect_exit(1).expect_said("no SQLite database");
    let forms = "or a database name; or sqlite:///path for a SQLite file";
    run("two words".to_owned()).await.expect_exit(2).expect_said(forms);
    std::fs::remove_file(app.path()).expect("the file goes");
    app.run(
        "create table item (id integer primary key, name text); insert into item values (1, 'a')",
    );
    run(format!("file:{path}")).await.expect_exit(0);
    run(path.clone()).await.expect_exit(0);
    let turned = pgsync(&["-source", &db.target_url(), "-target", &app.url()]).await.expect_exit(2);
    turned.expect_said("a SQLite file can only be the source");
}

#[tokio::test]
async fn a_file_in_which_one_table_is_damaged() {
    let app = App::with(
        "create table a (id integer primary key, t text); create table b (id integer primary key); \
                         insert into a values (1, 'x'); insert into b values (1)",
    );
    let mut bytes = std::fs::read(app.path()).expect("a file");
    bytes[4096..8192].fill(0xa5);
    std::fs::write(app.path(), bytes).expect("a file");
    let db = Pair::fresh().await;
    let run = app.sync(&db).await.expect_exit(1).expect_changes("b", (1, 0, 0));
    run.expect_failed("a", &["the file is damaged"]);
}
