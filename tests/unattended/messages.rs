//! `-ping` and `-webhook`: who is told, and what becomes of a run when a web server is no good.

use std::time::{Duration, Instant};

use ring::hmac;
use serde_json::Value;

use crate::support::{Outcome, Pair, Web, WebServer};

/// What must never be printed: a path, a query, a password and a signing secret.
const SECRETS: [&str; 4] = ["s3cretpath", "s3cretquery", "s3cretpass", "s3cretsign"];
const PATH: &str = "/s3cretpath/uuid?token=s3cretquery";

async fn filled() -> Pair {
    let db = Pair::with("create table item (id int primary key, n int)").await;
    db.source("insert into item select i, i from generate_series(1, 10) i").await;
    db
}

/// The URL of the server with a password in it.
fn with_password(server: &WebServer) -> String {
    server.url(PATH).replace("http://", "http://me:s3cretpass@")
}

fn tells_no_secret(outcome: &Outcome) {
    let output = outcome.stdout.clone() + &outcome.stderr;
    for secret in SECRETS {
        assert!(!output.contains(secret), "{secret} in {outcome}");
    }
}

#[tokio::test]
async fn a_ping_tells_the_start_and_the_success_with_the_summary() {
    let db = filled().await;
    let server = WebServer::start(Web::Status(200));
    let run = db.sync().args(&["-ping", &with_password(&server)]).await.expect_ok();
    tells_no_secret(&run);
    let mut asked = server.asked();
    asked.sort_by_key(|one| one.line.starts_with("POST"));
    let [start, end] = &asked[..] else { panic!("{asked:?}") };
    let (path, rid) = start.line.rsplit_once("rid=").expect("a run has a UUID");
    assert_eq!(path, "GET /s3cretpath/uuid/start?token=s3cretquery&");
    assert_eq!(end.line, format!("POST /s3cretpath/uuid?token=s3cretquery&rid={rid}"));
    assert!(end.body.contains("in sync: 1 table, 10 rows changed"), "{}", end.body);
    assert!(end.header("user-agent").is_some_and(|agent| agent.starts_with("pgsync/")), "{end:?}");
}

#[tokio::test]
async fn a_ping_tells_the_exit_status_of_a_run_that_fails() {
    let db = filled().await;
    let server = WebServer::start(Web::Status(200));
    db.both("create table bad (id int, n int)").await;
    db.source("insert into bad values (1, 2)").await;
    db.target("alter table bad add check (n = 1)").await;
    let run = db.sync().args(&["-ping", &server.url("/p/"), "-quiet"]).await.expect_exit(1);
    let asked = server.asked();
    let end = asked.iter().find(|one| one.line.starts_with("POST")).expect("the end");
    assert!(end.line.starts_with("POST /p/1?rid="), "{}", end.line);
    assert!(end.body.contains("bad - failed: target while"), "{} {run}", end.body);
}

#[tokio::test]
async fn a_webhook_gets_the_object_of_json_and_its_signature() {
    let db = filled().await;
    let server = WebServer::start(Web::Status(204));
    let secret = db.file("secret", "s3cretsign\n");
    let run = db.sync().args(&["-webhook", &with_password(&server), "-webhook-secret"]);
    let run = run.arg(format!("@{secret}")).await.expect_ok();
    tells_no_secret(&run);
    let asked = server.asked();
    let [one] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(one.header("content-type"), Some("application/json"));
    let told: Value = serde_json::from_str(&one.body).expect("JSON");
    assert_eq!(told, run.json);
    let signature = one.header("x-pgsync-signature").expect("a signature");
    let hex = signature.strip_prefix("sha256=").expect("its kind");
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("digits");
    let tag: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"s3cretsign");
    hmac::verify(&key, one.body.as_bytes(), &tag).expect("the signature is right");
}

#[tokio::test]
async fn a_webhook_is_called_on_failure_and_recovery_with_a_sentence() {
    let db = filled().await;
    let server = WebServer::start(Web::Status(200));
    let url = server.url("/hook");
    let run = db.sync().while_writing().args(&["-every", "0s", "-webhook", &url]);
    let run = run.args(&["-webhook-on", "failure,recovery", "-webhook-format", "text"]).start();
    run.until_lines(2).await;
    let table = db.target_session().await;
    table.run("alter table item add constraint none check (n > 0)").await;
    db.source("update item set n = -1 where id = 1").await;
    let failed = server.until_asked(1).await.remove(0);
    table.run("alter table item drop constraint none").await;
    let last = loop {
        let asked = server.asked();
        if let Some(last) = asked.into_iter().find(|one| one.body.contains(": in sync")) {
            break last;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    run.signal("TERM");
    run.end().await;
    let told = |body: &str| -> Value { serde_json::from_str(body).expect("JSON") };
    let (failed, last) = (told(&failed.body), told(&last.body));
    for name in ["text", "message"] {
        let text = failed[name].as_str().expect("a text");
        assert!(text.contains("NOT in sync: 1 of 1 table failed\nitem - failed: "), "{failed}");
        let text = last[name].as_str().expect("a text");
        assert!(text.contains("in sync: 1 table, 1 row changed"), "{last}");
    }
}

/// A run whose messages go to this server: it succeeds, with at most one warning per message.
async fn with_server(how: Web, expected: Option<&str>) {
    let db = filled().await;
    let alone = Instant::now();
    db.sync().await.expect_ok();
    let alone = alone.elapsed();
    for flag in ["-ping", "-webhook"] {
        let server = WebServer::start(how);
        let begun = Instant::now();
        let run = db.sync().args(&[flag, &with_password(&server)]).await.expect_ok();
        let longest = alone * 4 + Duration::from_secs(31);
        assert!(begun.elapsed() < longest, "{:?} {run}", begun.elapsed());
        tells_no_secret(&run);
        let warnings = run.stderr.matches("warning: ").count();
        assert_eq!(warnings, usize::from(expected.is_some()), "{run}");
        if let Some(expected) = expected {
            let address = server.url("");
            let run = run.expect_said(&format!("warning: {flag} {address}: {expected}"));
            assert_eq!(run.notes().len(), 1, "{run}");
        }
    }
}

#[tokio::test]
async fn a_server_that_answers_with_an_error_is_a_warning() {
    with_server(Web::Status(500), Some("the server answered with status 500, tried 3 times")).await;
    with_server(Web::Status(404), Some("the server answered with status 404")).await;
}

#[tokio::test]
async fn a_server_that_redirects_is_not_followed() {
    with_server(Web::Redirects, Some("the server redirects (status 302), which is not followed"))
        .await;
}

#[tokio::test]
async fn a_server_that_resets_the_connection_is_a_warning() {
    with_server(Web::Resets, Some("")).await;
}

#[tokio::test]
async fn a_server_that_is_slow_is_waited_for() {
    with_server(Web::Slow(1500), None).await;
}

#[tokio::test]
async fn a_server_that_hangs_costs_half_a_minute_at_most() {
    with_server(Web::Hangs, Some("no answer within ")).await;
}

#[tokio::test]
async fn a_server_that_drips_costs_half_a_minute_at_most() {
    with_server(Web::Drips, Some("")).await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_server_that_hangs() {
    let db = filled().await;
    let server = WebServer::start(Web::Hangs);
    let run = db.sync().args(&["-webhook", &server.url(PATH)]).start();
    server.until_asked(1).await;
    let begun = Instant::now();
    run.signal("TERM");
    let outcome = run.end().await.expect_ok();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?} {outcome}", begun.elapsed());
    let run = db.sync().args(&["-every", "1h", "-webhook", &server.url(PATH)]).start();
    server.until_asked(2).await;
    run.until_lines(1).await;
    let begun = Instant::now();
    run.signal("TERM");
    let outcome = run.end().await.expect_exit(0);
    assert!(begun.elapsed() < Duration::from_millis(200), "{:?} {outcome}", begun.elapsed());
}

#[tokio::test]
async fn a_server_that_hangs_does_not_hold_the_next_run() {
    let db = filled().await;
    let server = WebServer::start(Web::Hangs);
    let flags = ["-every", "0s", "-ping", &server.url(PATH)];
    let run = db.sync().while_writing().args(&flags).start();
    let begun = Instant::now();
    run.until_lines(5).await;
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
    run.signal("TERM");
    tells_no_secret(&run.end().await);
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_its_text() {
    let db = filled().await;
    for (flag, value) in [("-ping", "ftp://h/s3cretpath"), ("-webhook", "env:NOWHERE")] {
        let run = db.sync().args(&[flag, value]).await.expect_exit(2);
        tells_no_secret(&run);
        run.expect_said(flag);
    }
    let run = db.sync().args(&["-webhook", "http://h", "-webhook-on", "never"]).await;
    drop(run.expect_exit(2).expect_said("must be one of: always, failure, change, recovery"));
    let run = db.sync().args(&["-webhook", "http://h", "-webhook-on", "recovery"]).await;
    run.expect_exit(2).expect_said("recovery needs -every");
}
