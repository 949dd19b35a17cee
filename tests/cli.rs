//! The command line as a user meets it: what may be typed, what is printed where, and how it ends.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use support::{Outcome, Pair, Sync, pgsync};

const SHOP: &str = "create table users (id int primary key, name text, updated_at timestamptz, modified_at timestamptz);
    create table user_roles (id int primary key); create table order_lines (id int primary key);
    create table user_log (id int primary key); create table temp_users (id int primary key);
    create table audit_1 (id int primary key)";
const ROWS: &str = "insert into users select i, 'n', '2024-12-13 15:25:30Z', '2024-01-01' from generate_series(1, 1234) i";

async fn shop() -> Pair {
    let db = Pair::with(SHOP).await;
    db.source(ROWS).await;
    db
}

/// A folder of the test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(db: &Pair) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&db.name);
        fs::create_dir_all(&path).expect("the target folder can be written");
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("the target folder can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn config(db: &Pair, more: &str) -> String {
    format!(r#"{{"sourceDb": "{}", "targetDb": "{}"{more}}}"#, db.source_url(), db.target_url())
}

// What may be typed.

/// `pgsync -source … -target …` and more, which must go well.
async fn typed(db: &Pair, more: &[&str]) -> Outcome {
    let (source, target) = (db.source_url(), db.target_url());
    let sides = ["-source", &source, "-target", &target];
    pgsync(&[&sides, more].concat()).await.expect_ok()
}

#[tokio::test]
async fn the_documented_command_line_with_patterns_works_verbatim() {
    let db = shop().await;
    let patterns = ["-include", "user_*,order_*", "-exclude", "temp_*,*_log,audit_[0-9]*"];
    let run = typed(&db, &patterns).await;
    run.expect_said("user_roles")
        .expect_said("order_lines")
        .expect_unsaid("user_log")
        .expect_unsaid("audit_1");
}

#[tokio::test]
async fn the_documented_command_line_with_a_timestamp_works_verbatim() {
    let db = shop().await;
    let flags = ["-timestamp", "modified_at", "-parallel", "8", "-verbose"];
    typed(&db, &flags).await;
    db.assert_all_same().await;
    db.source("update users set name = 'x', modified_at = now() where id = 5").await;
    typed(&db, &flags).await.expect_said("incremental");
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_config_file_is_enough() {
    let db = shop().await;
    let folder = Folder::new(&db);
    let more = r#", "_comment": "ours", "schema": "public", "timestampColumn": "updated_at", "parallel": 2, "batchSize": 500,
        "includeTables": ["user*"], "excludeTables": ["*_log"], "verbose": false"#;
    let file = folder.file("config.json", &config(&db, more));
    let run = pgsync(&["-config", &file]).arg("-json").await.expect_ok();
    run.expect_tables(&["user_roles", "users"]);
    db.assert_same("users").await;
}

#[tokio::test]
async fn every_form_of_a_flag_means_the_same() {
    let db = shop().await;
    let (source, target) = (db.source_url(), db.target_url());
    let forms = [
        vec![
            "-source".into(),
            source.clone(),
            "-target".into(),
            target.clone(),
            "-include".into(),
            "users".into(),
            "-json".into(),
        ],
        vec![
            format!("-source={source}"),
            format!("-target={target}"),
            "-include=users".into(),
            "-json=true".into(),
        ],
        vec![
            "--source".into(),
            source.clone(),
            "--target".into(),
            target.clone(),
            "--include".into(),
            "users".into(),
            "--json".into(),
        ],
        vec![
            format!("--source={source}"),
            format!("--target={target}"),
            "--include=users".into(),
            "--json".into(),
            "-verbose=false".into(),
        ],
    ];
    for args in forms {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        pgsync(&args).await.expect_ok().expect_tables(&["users"]);
    }
}

#[tokio::test]
async fn help_and_version_are_answers_on_stdout() {
    for flag in ["-h", "-help", "--help"] {
        let run = pgsync(&[flag]).await.expect_exit(0);
        for name in [
            "source",
            "target",
            "schema",
            "include",
            "exclude",
            "timestamp",
            "parallel",
            "batch-size",
            "verbose",
            "config",
            "reconcile",
            "overlap",
            "no-deletes",
            "quiet",
            "json",
        ] {
            assert!(run.stdout.contains(&format!("-{name}")), "-{name} expected in {run}");
        }
    }
    let run = pgsync(&["--version"]).await.expect_exit(0);
    assert_eq!(run.stdout.trim(), format!("pgsync {}", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn a_flag_beats_the_environment_and_that_beats_the_file() {
    let db = shop().await;
    let folder = Folder::new(&db);
    let file = folder.file("c.json", &config(&db, r#", "includeTables": ["users"]"#));
    let run = || pgsync(&["-config", &file, "-json"]);
    run().await.expect_ok().expect_tables(&["users"]);
    let from_environment = || run().env("PGSYNC_INCLUDE", "user_roles");
    from_environment().await.expect_ok().expect_tables(&["user_roles"]);
    from_environment()
        .args(&["-include", "user_log"])
        .await
        .expect_ok()
        .expect_tables(&["user_log"]);
}

#[tokio::test]
async fn both_ends_can_come_from_the_environment() {
    let db = shop().await;
    let sync = db.sync().without_urls();
    sync.env("PGSYNC_SOURCE", db.source_url())
        .env("PGSYNC_TARGET", db.target_url())
        .await
        .expect_ok();
    db.assert_all_same().await;
}

// How the databases are named.

#[tokio::test]
async fn key_value_connection_strings_work() {
    let db = shop().await;
    let words = |address: &str| {
        let (host, port) = address.rsplit_once(':').expect("host:port");
        format!("host={host} port={port} user=postgres dbname='{}' connect_timeout=5", db.name)
    };
    let (source, target) =
        (words(db.source_server().address()), words(db.target_server().address()));
    db.sync().source_url(source).target_url(target).await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_socket_folder_can_stand_in_for_a_host() {
    let db = shop().await;
    let folder = db.source_value("show unix_socket_directories").await.replace('/', "%2F");
    let port = db.source_value("show port").await;
    let by_host = format!("postgres:///{}?host={folder}&port={port}&user=postgres", db.name);
    db.sync().source_url(by_host).await.expect_ok();
    db.sync()
        .source_url(format!("postgres://postgres@{folder}:{port}/{}", db.name))
        .await
        .expect_ok();
}

#[tokio::test]
async fn the_pg_variables_fill_what_a_connection_string_leaves_out() {
    let db = shop().await;
    let (host, port) = db.source_server().address().rsplit_once(':').expect("host:port");
    let sync = db.sync().source_url(format!("postgres:///{}", db.name));
    sync.env("PGHOST", host).env("PGPORT", port).env("PGUSER", "postgres").await.expect_ok();
}

#[tokio::test]
async fn a_password_file_is_read() {
    let db = shop().await;
    let folder = Folder::new(&db);
    let role = db.source_reader_with_password().await;
    let (host, port) = db.source_server().address().rsplit_once(':').expect("host:port");
    let file =
        folder.file("pass", &format!("# ours\n{host}:{port}:*:{}:{}\n", role.name, role.password));
    let url = role.url.replace(&format!(":{}", role.password), "");
    db.sync().source_url(&url).env("PGPASSFILE", file).await.expect_ok();
    db.sync().source_url(&url).env("PGPASSWORD", &role.password).await.expect_ok();
}

// How it ends.

/// One line on stderr that names the side and keeps the password.
#[track_caller]
fn one_line(run: &Outcome, side: &str) {
    let lines: Vec<&str> = run.stderr.lines().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(lines.len(), 1, "one line on stderr expected of {run}");
    assert!(lines[0].contains(side), "{side} expected in {run}");
    assert!(
        !run.stdout.contains("s3cret") && !run.stderr.contains("s3cret"),
        "no password expected in {run}"
    );
}

#[tokio::test]
async fn an_unreachable_host_is_one_line_that_names_the_side() {
    let db = shop().await;
    let nobody = "postgres://u:s3cret@127.0.0.1:1/nothing";
    one_line(&db.sync().plain().source_url(nobody).await.expect_exit(1), "source");
    one_line(&db.sync().plain().target_url(nobody).await.expect_exit(1), "target");
}

#[tokio::test]
async fn a_wrong_password_is_one_line_that_names_the_side() {
    let db = shop().await;
    let (source, target) =
        (db.source_reader_with_password().await, db.target_writer_with_password().await);
    let wrong = |url: &str| url.replace("s3cret-p4ss", "s3cret-wr0ng");
    let run = db.sync().plain().source_url(wrong(&source.url)).await.expect_exit(1);
    one_line(&run, "source");
    run.expect_said("28P01");
    one_line(&db.sync().plain().target_url(wrong(&target.url)).await.expect_exit(1), "target");
}

#[tokio::test]
async fn a_login_that_fails_with_a_reference_in_the_string_has_a_hint() {
    let db = shop().await;
    let source = db.source_reader_with_password().await;
    let url = source.url.replace("s3cret-p4ss", "${PW}");
    let run = db.sync().plain().source_url(url).await.expect_exit(1);
    run.expect_said("28P01")
        .expect_said("hint: the connection string has a ${NAME} or $NAME in it");
    let nowhere = "host=${DB_HOST} user=ann dbname=shop".to_owned();
    let run = db.sync().plain().source_url(nowhere).await.expect_exit(1);
    run.expect_said("hint: the connection string has a ${NAME} or $NAME in it");
}

/// A port at which another program answers each connection with the same words.
fn other_program() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            // Whoever leaves something unread ends the connection with a reset.
            let mut asked = [0; 1024];
            let _ = connection.read(&mut asked);
            let _ = connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    port
}

#[tokio::test]
async fn a_port_at_which_another_program_answers_is_told() {
    let db = shop().await;
    let port = other_program();
    for (mode, text) in [
        (
            "disable",
            "what answers there is no PostgreSQL server, or the server closed the connection",
        ),
        ("require", "hint: check that a PostgreSQL server with ssl = on listens there"),
    ] {
        let url = format!("postgres://ann@127.0.0.1:{port}/shop?sslmode={mode}");
        let run = db.sync().plain().source_url(url).args(&["-retries", "0"]).await.expect_exit(1);
        run.expect_said(text);
    }
}

#[tokio::test]
async fn a_missing_database_is_one_line_that_names_the_side() {
    let db = shop().await;
    let (source, target) = (db.source_server().url("nowhere"), db.target_server().url("nowhere"));
    let run = db.sync().plain().source_url(source).await.expect_exit(1);
    one_line(&run, "source");
    run.expect_said("nowhere");
    one_line(&db.sync().plain().target_url(target).await.expect_exit(1), "target");
}

#[tokio::test]
async fn wrong_usage_has_a_json_result_as_well() {
    for args in [&["-json", "-paralel", "3"][..], &["-json"]] {
        let run = pgsync(args).await.expect_exit(2);
        assert_eq!(run.json["status"], "invalid", "in {run}");
        assert_eq!(run.json["exit_status"], 2, "in {run}");
        let message = run.json["error"]["message"].as_str().unwrap_or_default();
        assert!(
            !message.is_empty() && run.stderr.contains(message.lines().next().unwrap_or("-")),
            "in {run}"
        );
        assert_eq!(run.json["tables"].as_array().map(Vec::len), Some(0), "in {run}");
    }
}

#[tokio::test]
async fn an_error_of_the_run_is_part_of_the_json_result() {
    let db = shop().await;
    let run = db.sync().source_url(db.source_server().url("nowhere")).await.expect_exit(1);
    assert_eq!(run.json["exit_status"], 1, "in {run}");
    assert_eq!(run.json["error"]["sqlstate"], "3D000", "in {run}");
}

#[tokio::test]
async fn all_that_is_wrong_with_a_configuration_is_said_at_once() {
    let run =
        pgsync(&["-parallel", "0", "-batch-size", "many", "-overlap", "soon"]).await.expect_exit(2);
    for text in ["-source", "-target", "-parallel", "-batch-size", "-overlap"] {
        assert!(run.stderr.contains(text), "{text} expected in {run}");
    }
}

#[tokio::test]
async fn an_unknown_flag_suggests_the_nearest() {
    pgsync(&["-sorce", "postgres://x/y"]).await.expect_exit(2).expect_said("-source");
}

#[tokio::test]
async fn an_unknown_config_key_suggests_the_nearest() {
    let db = shop().await;
    let folder = Folder::new(&db);
    let file = folder.file("c.json", &config(&db, r#", "includeTable": ["users"]"#));
    let run = pgsync(&["-config", &file]).await.expect_exit(2);
    run.expect_said("includeTable").expect_said("includeTables");
}

#[tokio::test]
async fn a_config_file_that_is_no_json_is_named_with_the_place() {
    let db = shop().await;
    let folder = Folder::new(&db);
    let file = folder.file("broken.json", "{\"sourceDb\": }");
    pgsync(&["-config", &file])
        .await
        .expect_exit(2)
        .expect_said("broken.json")
        .expect_said("line 1");
    pgsync(&["-config", "/nonexistent/c.json"])
        .await
        .expect_exit(2)
        .expect_said("/nonexistent/c.json");
}

#[tokio::test]
async fn a_second_run_on_the_same_tables_ends_at_once() {
    let db = shop().await;
    let blocker = db.target_session().await;
    blocker.run("begin; lock table users in exclusive mode").await;
    let first = db.sync().start();
    let waiting = "select exists (select from pg_stat_activity where datname = current_database()
        and application_name = 'pgsync' and wait_event_type = 'Lock')";
    db.target.until(waiting).await;
    db.sync().await.expect_exit(4);
    blocker.run("commit").await;
    let first = tokio::task::spawn_blocking(|| first.finish()).await.expect("the run ends");
    first.expect_ok();
    db.assert_all_same().await;
}

// What is printed where.

fn plain(db: &Pair) -> Sync<'_> {
    db.sync().plain()
}

/// `[2024-12-13T15:30:45Z] `, and what follows.
fn logged(line: &str) -> Option<&str> {
    let shape = "[0000-00-00T00:00:00Z] ";
    let (stamp, text) = (line.get(..shape.len())?, line.get(shape.len()..)?);
    let fits =
        |(is, like): (char, char)| if like == '0' { is.is_ascii_digit() } else { is == like };
    stamp.chars().zip(shape.chars()).all(fits).then_some(text)
}

#[tokio::test]
async fn log_lines_go_to_stderr_with_time_and_table() {
    let db = shop().await;
    let run = plain(&db).await.expect_ok();
    let texts: Option<Vec<&str>> = run.stderr.lines().map(logged).collect();
    let texts = texts.unwrap_or_else(|| panic!("log lines only expected on stderr of {run}"));
    assert!(texts.iter().any(|text| text.starts_with("users - copy")), "in {run}");
    assert!(
        run.stdout.lines().all(|line| logged(line).is_none()),
        "no log line on stdout of {run}"
    );
}

#[tokio::test]
async fn an_incremental_run_says_where_it_starts_from() {
    let db = shop().await;
    plain(&db).arg("-overlap=0s").await.expect_ok();
    db.source("update users set name = 'x', updated_at = now() where id = 5").await;
    let run = plain(&db).arg("-overlap=0s").await.expect_ok();
    run.expect_said("users - incremental from 2024-12-13T15:25:30Z");
}

#[tokio::test]
async fn the_summary_goes_to_stdout_with_counts_and_totals() {
    let db = shop().await;
    let run = plain(&db).await.expect_ok();
    let line = run.stdout.lines().find(|line| line.starts_with("users ")).unwrap_or_default();
    assert!(line.contains("1,234") || line.contains("1234"), "the rows of users expected in {run}");
    for word in ["inserted", "time", "total"] {
        assert!(run.stdout.contains(word), "{word} expected on stdout of {run}");
    }
    // What says the same of every table is left out.
    for word in ["updated", "deleted", "status", "success"] {
        assert!(!run.stdout.contains(word), "no {word} expected on stdout of {run}");
    }
}

#[tokio::test]
async fn the_summary_is_a_table_in_markdown_for_the_page_of_a_job() {
    let db = shop().await;
    let run = plain(&db).args(&["-summary", "markdown"]).await.expect_ok();
    assert!(run.stdout.starts_with("### pgsync: in sync: 6 tables, 1,234 rows changed"), "{run}");
    assert!(run.stdout.contains("\n| table | strategy | rows | inserted | time |\n"), "{run}");
    assert!(run.stdout.contains("\n| user\\_log | copy | 0 | 0 |"), "{run}");
}

#[tokio::test]
async fn the_page_of_a_job_has_its_heading_also_where_a_flag_is_wrong() {
    let heading = "### pgsync: NOT in sync: wrong usage or configuration\n\n- ";
    for args in [&["-summary", "markdown", "-paralel", "3"][..], &["-summary=markdown"]] {
        let run = pgsync(args).await.expect_exit(2);
        assert!(run.stdout.starts_with(heading), "{run}");
        assert!(run.stderr.starts_with("pgsync: "), "{run}");
    }
    // What goes to psql stays empty.
    let run = pgsync(&["schema", "-summary", "markdown", "-paralel", "3"]).await.expect_exit(2);
    assert_eq!(run.stdout, "", "{run}");
}

#[tokio::test]
async fn a_failed_table_is_named_with_its_reason_in_the_summary() {
    let db = shop().await;
    db.target("alter table users add constraint small check (id < 1000)").await;
    let run = plain(&db).await.expect_exit(1);
    for text in ["users", "small", "23514"] {
        assert!(run.stdout.contains(text), "{text} expected on stdout of {run}");
    }
}

#[tokio::test]
async fn quiet_says_nothing_on_stderr_when_all_is_well() {
    let db = shop().await;
    let run = plain(&db).arg("-quiet").await.expect_ok();
    assert_eq!(run.stderr, "", "in {run}");
}

#[tokio::test]
async fn quiet_and_the_level_error_print_failures_and_no_warning() {
    let db = shop().await;
    // A variable that is none of ours.
    let run = |flags: &[&str]| plain(&db).env("PGSYNC_SCHEMAS", "public").args(flags);
    run(&["-quiet"]).await.expect_ok().expect_said("PGSYNC_SCHEMA?");
    let quiet = ["-quiet", "-log-level", "error"];
    let well = run(&quiet).await.expect_ok();
    assert_eq!((&*well.stdout, &*well.stderr), ("", ""), "in {well}");
    db.target("alter table users add constraint small check (id < 5000)").await;
    db.source("insert into users values (5000)").await;
    let failed = run(&quiet).await.expect_exit(1).expect_said("users - failed: ");
    assert_eq!((&*failed.stdout, failed.stderr.lines().count()), ("", 1), "in {failed}");
}

#[tokio::test]
async fn log_lines_of_libraries_are_asked_for_and_hold_no_value_of_a_row() {
    let db = shop().await;
    db.source("update users set name = 'hidden' where id = 1").await;
    let (source, target) =
        (db.source_reader_with_password().await, db.target_writer_with_password().await);
    let run =
        |flags: &'static [&str]| plain(&db).source_role(&source).target_role(&target).args(flags);
    for level in ["debug", "trace"] {
        let run = run(&["-log-format", "json", "-log-level"]).arg(level).await.expect_ok();
        let run = run.expect_unsaid("hidden").expect_unsaid("s3cret");
        let lines: Vec<serde_json::Value> =
            run.stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let heard = |library: &str| {
            lines
                .iter()
                .any(|line| line["library"].as_str().is_some_and(|l| l.starts_with(library)))
        };
        assert!(heard("tokio_postgres::"), "in {run}");
        let times: Vec<&str> = lines.iter().filter_map(|line| line["time"].as_str()).collect();
        assert!(times.len() == lines.len() && times.is_sorted(), "in {run}");
        let named = |line: &serde_json::Value| line["run_id"].is_string();
        assert!(
            lines.iter().any(|line| line["table"] == "public.users" && named(line)),
            "in {run}"
        );
    }
    for flags in [&["-verbose"][..], &["-log-level", "info"], &["-log-level", "error"]] {
        run(flags).await.expect_ok().expect_unsaid("tokio_postgres");
    }
}

#[tokio::test]
async fn no_colour_and_no_bar_goes_to_a_pipe() {
    let db = shop().await;
    let run = plain(&db).arg("-verbose").await.expect_ok();
    run.expect_unsaid("\u{1b}").expect_unsaid("\r");
}

#[tokio::test]
async fn json_is_one_object_with_the_documented_fields() {
    let db = shop().await;
    let run = db.sync().await.expect_ok();
    let object =
        run.json.as_object().unwrap_or_else(|| panic!("one JSON object expected of {run}"));
    for field in [
        "pgsync",
        "run_id",
        "source",
        "target",
        "status",
        "exit_status",
        "dry_run",
        "started",
        "elapsed_seconds",
        "retries",
        "tables",
        "totals",
        "notes",
        "error",
    ] {
        assert!(object.contains_key(field), "{field} expected in {run}");
    }
    assert_eq!(run.json["totals"]["rows_inserted"], 1234, "in {run}");
}

#[tokio::test]
async fn no_password_is_ever_printed() {
    let db = shop().await;
    let (source, target) =
        (db.source_reader_with_password().await, db.target_writer_with_password().await);
    db.target("alter table users add constraint small check (id < 1000)").await;
    for flags in [vec!["-verbose"], vec!["-json", "-verbose"], vec![]] {
        let run = plain(&db).source_role(&source).target_role(&target).args(&flags).await;
        run.expect_exit(1).expect_unsaid("s3cret");
    }
}

#[tokio::test]
async fn what_is_wrong_with_both_sides_is_told_at_once() {
    let db = Pair::fresh().await;
    let wrong = |url: String| format!("{url}_not_there");
    let (source, target) = (wrong(db.source_url()), wrong(db.target_url()));
    let run = pgsync(&["-source", &source, "-target", &target]).plain().await.expect_exit(1);
    for side in ["source", "target"] {
        let told = run
            .stderr
            .lines()
            .filter(|line| line.contains(&format!("{side} while connecting to ")));
        assert_eq!(told.count(), 1, "{side}: {run}");
    }
}

#[tokio::test]
async fn any_password_of_a_variable_stands_between_quotes() {
    let db = shop().await;
    let (reader, password) = (db.source_reader_with_password().await, r"it's \ p@w/:#?%41");
    db.source(&format!("alter role {} password '{}'", reader.name, password.replace('\'', "''")))
        .await;
    let url = db.source_url();
    let (_, rest) = url.split_once('@').expect("a URL");
    let (place, name) = rest.split_once('/').expect("a URL");
    let (host, port) = place.rsplit_once(':').expect("a port");
    let config = db.file(
        "quoted.json",
        &format!(
            r#"{{"sourceDb": "host={host} port={port} user={} dbname={name} password='${{PW}}'", "targetDb": "{}"}}"#,
            reader.name,
            db.target_url()
        ),
    );
    let run = |password: &str| pgsync(&["-config", &config]).env("PW", password).plain();
    run(password).await.expect_exit(0);
    run("another").await.expect_exit(1).expect_said("password authentication failed");
}

#[tokio::test]
async fn a_password_that_is_refused_is_told_with_where_it_came_from() {
    let db = shop().await;
    let reader = db.source_reader_with_password().await;
    let url = db.source_url();
    let (_, rest) = url.split_once('@').expect("a URL");
    let source = format!("postgresql://{}@{rest}", reader.name);
    let run = pgsync(&["-source", &source, "-target", &db.target_url()]).env("PGPASSWORD", "wrong");
    let run = run.plain().await.expect_exit(1);
    drop(run.expect_said("(SQLSTATE 28P01); hint: the password comes from PGPASSWORD"));
}

#[tokio::test]
async fn a_wrong_command_line_is_told_as_json_where_log_lines_are() {
    let run = pgsync(&["-source", "env:NOWHERE", "-target", "db", "-log-format", "json"]).plain();
    let run = run.await.expect_exit(2);
    let line: serde_json::Value = serde_json::from_str(run.stderr.trim_end()).expect("an object");
    assert_eq!((line["level"].as_str(), line["table"].as_str()), (Some("error"), None), "{run}");
    assert!(line["message"].as_str().is_some_and(|text| text.starts_with("-source")), "{run}");
}
