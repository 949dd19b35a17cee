//! A password is never shown, and no name becomes a statement.

use crate::support::{Outcome, Pair, Role, pgsync};

async fn pair() -> (Pair, Role) {
    let db = Pair::with("create table item (id int primary key, n int)").await;
    db.source("insert into item select i, i from generate_series(1, 10) i").await;
    let role = db.target_writer_with_password().await;
    (db, role)
}

/// Neither the password nor its percent-encoded form stands in what was printed or logged.
async fn silent(db: &Pair, role: &Role, run: Outcome) -> Outcome {
    let encoded: String = role.password.bytes().map(|byte| format!("%{byte:02X}")).collect();
    // The command line is the tester's own; the program's words count.
    let said = format!("{}{}", run.stdout, run.stderr);
    for secret in [role.password.as_str(), &encoded] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
    if db.target_value("select to_regclass('sync_log') is not null").await == "t" {
        let logged =
            format!("select count(*) from sync_log l where l::text like '%{}%'", role.password);
        assert_eq!(db.target_value(&logged).await, "0");
    }
    run
}

#[tokio::test]
async fn every_way_to_give_a_password_works_and_keeps_it() {
    let (db, role) = pair().await;
    let bare = role.url.replace(&format!(":{}@", role.password), "@");
    let encoded: String = role.password.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let (host, port) = db.target_server().address().rsplit_once(':').expect("host:port");
    let words = format!(
        "host={host} port={port} user={} password='{}' dbname={}",
        role.name, role.password, db.name
    );
    for url in [role.url.clone(), role.url.replace(&role.password, &encoded), words] {
        let run = db.sync().target_url(&url).arg("-verbose").await;
        silent(&db, &role, run).await.expect_ok();
    }
    let run = db.sync().target_url(&bare).env("PGPASSWORD", &role.password).await;
    silent(&db, &role, run).await.expect_ok();
    let run = db.sync().target_url("env:TO").env("TO", &role.url).await;
    silent(&db, &role, run).await.expect_ok();
    let config = format!(r#"{{"sourceDb": "{}", "targetDb": "${{TO}}"}}"#, db.source_url());
    let config = db.file("env.json", &config);
    let run = db.sync().without_urls().args(&["-config", &config]).env("TO", &role.url).await;
    silent(&db, &role, run).await.expect_ok();
}

#[tokio::test]
async fn a_password_is_kept_whatever_goes_wrong() {
    let (db, role) = pair().await;
    let wrong = role.url.replace(&role.password, "another-one");
    let run = db.sync().target_url(&wrong).await.expect_exit(1);
    assert!(!run.stderr.contains("another-one") && !run.stdout.contains("another-one"), "{run}");
    for url in [
        role.url.replace(db.target_server().address(), "127.0.0.1:1"),
        role.url.replace(db.target_server().address(), "no-such-host.invalid:1"),
        format!("{}?sslmode=nonsense", role.url),
        format!("{}?sslmode=require", role.url),
        role.url.replace("postgres://", "postgres//"),
        format!("{}_x", role.url),
    ] {
        let run = db.sync().target_url(&url).arg("-verbose").await;
        assert_ne!(run.status, 0, "{run}");
        silent(&db, &role, run).await;
    }
    let run = pgsync(&["-source", &role.url, "-nonsense", &role.url]).await.expect_exit(2);
    silent(&db, &role, run).await;
}

#[tokio::test]
async fn a_config_file_with_a_password_that_others_can_read_gets_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let (db, role) = pair().await;
    let config = format!(r#"{{"sourceDb": "{}", "targetDb": "{}"}}"#, db.source_url(), role.url);
    let config = db.file("secret.json", &config);
    for (mode, warned) in [(0o644, true), (0o600, false)] {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&config, mode).expect("the file is ours");
        let run = db.sync().without_urls().args(&["-config", &config]).await.expect_ok();
        let found = run.notes().iter().any(|note| note.contains("others can read it"));
        assert_eq!(found, warned, "{run}");
        silent(&db, &role, run).await;
    }
}

/// Names that would do harm where they were not quoted.
const HOSTILE: [&str; 6] = [
    r#"a"b"#,
    "x'; drop table witness; --",
    "x\"; drop table witness; --",
    "/* c */ $$ $1 %s {} \\",
    "Sélect\tTab",
    "pg_temp.pgsync_stage",
];

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[tokio::test]
async fn names_full_of_quotes_and_comments_are_names_and_nothing_else() {
    let db =
        Pair::with("create table witness (id int primary key); insert into witness values (1)")
            .await;
    for schema in ["public", HOSTILE[2]] {
        if schema != "public" {
            db.both(&format!("create schema {}", quoted(schema))).await;
        }
        for name in HOSTILE {
            let (table, key) = (quoted(name), quoted(&format!("{name} k")));
            db.both(&format!(
                "create table {s}.{table} ({key} text primary key, {table} int, \"updated'\"\"at\" timestamptz)",
                s = quoted(schema)
            ))
            .await;
            let insert = format!(
                "insert into {}.{table} values ('{}', 1, '2024-01-01'), ('b', 2, null)",
                quoted(schema),
                name.replace('\'', "''")
            );
            db.source(&insert).await;
        }
    }
    let config =
        serde_json::json!({ "schema": ["public", HOSTILE[2]], "timestampColumn": "updated'\"at" });
    let config = db.file("hostile.json", &config.to_string());
    for _ in 0..2 {
        db.sync().args(&["-config", &config]).await.expect_ok();
        db.assert_all_same().await;
        for name in HOSTILE {
            let table = quoted(name);
            db.source(&format!("update {table} set {table} = 7, \"updated'\"\"at\" = now(); delete from {table} where {} = 'b'", quoted(&format!("{name} k")))).await;
        }
    }
    assert_eq!(db.target_value("select count(*) from witness").await, "1");
}

#[tokio::test]
async fn patterns_full_of_quotes_and_comments_match_names_and_nothing_else() {
    let db = Pair::with(
        "create table witness (id int primary key); create table \"a'b\" (id int primary key)",
    )
    .await;
    db.sync().include("a'b").await.expect_ok().expect_tables(&["a'b"]);
    let run = db.sync().include("witness,x'; drop table witness; --*").await;
    assert!(run.status == 0 || run.status == 2, "{run}");
    assert_eq!(
        db.target_value("select count(*) from pg_class where relname = 'witness'").await,
        "1"
    );
}

const CARD: &str = "4111-1111";

/// Nothing that was printed or logged has the value; with `-verbose` it is shown.
async fn only_verbose_shows_it(db: &Pair, state: &str) {
    for json in [true, false] {
        let run = if json { db.sync() } else { db.sync().plain() };
        run.await.expect_exit(1).expect_unsaid(CARD).expect_said(state);
    }
    let logged = format!("select count(*) from sync_log where error_message like '%{CARD}%'");
    assert_eq!(db.target_value(&logged).await, "0");
    db.sync().arg("-verbose").await.expect_exit(1).expect_said(CARD);
    assert_eq!(db.target_value(&logged).await, "0");
}

#[tokio::test]
async fn values_of_rows_are_in_no_error_but_with_verbose() {
    let checks = [
        ("check (v::date is not null)", "22007"),
        ("check (v::int is not null)", "22P02"),
        ("check ((v || '1111111111')::int8 > 0)", "22P02"),
        ("check (say(v))", "P0001"),
        ("check (say_as(v))", "MY001"),
        ("check (say_broken(v))", "23514"),
        // Functions of types whose messages are not of the classes of data.
        ("check (('a ' || v)::tsquery is not null)", "42601"),
        ("check (('\"' || v || '\"')::regclass is not null)", "42P01"),
        ("check (('\"' || v || '\"')::regtype is not null)", "42704"),
        ("check (('\"' || v || '\"')::regproc is not null)", "42883"),
        ("check (('\"' || v || '\"')::regrole is not null)", "42704"),
        ("check (('\"' || v || '\"')::regconfig is not null)", "42704"),
        ("check (('\"' || v || '\"')::regnamespace is not null)", "3F000"),
        ("check (('\"' || v || '\"=r/postgres')::aclitem is not null)", "42704"),
        ("check (current_setting('a.' || v) is not null)", "42704"),
        ("check (run(v))", "42601"),
    ];
    for (check, state) in checks {
        let db = Pair::fresh().await;
        db.source("create table t (id int primary key, v text)").await;
        db.source(&format!("insert into t values (1, '{CARD}')")).await;
        db.target(
            "create function say(v text) returns boolean language plpgsql immutable as
             $$ begin raise exception 'a card: %', v using hint = v; end $$;
             create function say_as(v text) returns boolean language plpgsql immutable as
             $$ begin raise exception 'a card: %', v using errcode = 'MY001'; end $$;
             create function say_broken(v text) returns boolean language plpgsql immutable as
             $$ begin raise exception 'a card' using errcode = '23514', constraint = v; end $$;
             create function run(v text) returns boolean language plpgsql immutable as
             $$ begin execute quote_ident(v); return true; end $$",
        )
        .await;
        db.target(&format!("create table t (id int primary key, v text, {check})")).await;
        only_verbose_shows_it(&db, state).await;
    }
}

#[tokio::test]
async fn a_value_that_is_too_long_is_told_by_its_column() {
    let db = Pair::fresh().await;
    db.source("create table t (id int primary key, v text)").await;
    db.source(&format!("insert into t values (1, '{CARD}')")).await;
    db.target("create table t (id int primary key, v varchar(3))").await;
    let run = db.sync().args(&["-ddl", "none"]).await.expect_exit(1).expect_unsaid(CARD);
    run.expect_failed("t", &["value too long for type character varying(3) in column v"]);
}

#[tokio::test]
async fn a_function_that_raises_an_error_is_named() {
    let db = Pair::fresh().await;
    db.source("create table t (id int primary key, v text)").await;
    db.source(&format!("insert into t values (1, '{CARD}')")).await;
    db.target(
        "create function say(v text) returns boolean language plpgsql immutable as
         $$ begin raise exception 'a card: %', v; end $$;
         create table t (id int primary key, v text, check (say(v)))",
    )
    .await;
    let run = db.sync().await.expect_exit(1).expect_unsaid(CARD);
    run.expect_failed("t", &["function say(text) raised (-verbose shows its words)"]);
}

#[tokio::test]
async fn a_filter_and_a_mask_tell_no_value_that_names_an_object() {
    let db = Pair::with("create table t (id int primary key, v text)").await;
    db.source(&format!("insert into t values (1, '{CARD}')")).await;
    let file = |rule: &str| {
        let text = format!(r#"{{"unmasked": "off", "tables": {{"t": {{{rule}}}}}}}"#);
        db.file("rule.json", &text)
    };
    let mask = r#""mask": {"v": {"sql": "('\"' || v || '\"')::regclass::text"}}"#;
    for rule in [r#""where": "('\"' || v || '\"')::regclass is not null""#, mask] {
        let args = ["-config", &file(rule), "-retries", "0"];
        let run = db.sync().args(&args).await.expect_unsaid(CARD);
        assert_ne!(run.status, 0, "{run}");
        let url = db.source_url();
        let check = ["mask", "check", "-source", &url, "-config", &file(rule)];
        pgsync(&check).await.expect_unsaid(CARD);
    }
}
