//! `pgsync verify` with `-ping` and `-webhook`: who is told of a comparison, and what nobody is told.

use serde_json::Value;

use crate::support::{Outcome, Pair, Web, WebServer, pgsync};

async fn verify(db: &Pair, args: &[&str]) -> Outcome {
    let (source, target) = (db.source_url(), db.target_url());
    pgsync(&["verify", "-source", &source, "-target", &target]).args(args).await
}

async fn filled() -> Pair {
    let db = Pair::with("create table item (id int primary key, name text)").await;
    db.source("insert into item select i, 'n' from generate_series(1, 10) i").await;
    db.sync().await.expect_ok();
    db
}

#[tokio::test]
async fn a_comparison_tells_its_start_and_its_exit_status_and_no_values() {
    let db = filled().await;
    let server = WebServer::start(Web::Status(200));
    verify(&db, &["-ping", &server.url("/p")]).await.expect_exit(0);
    db.target("update item set name = 'zq7secret' where id = 7").await;
    let run = verify(&db, &["-ping", &server.url("/p"), "-values"]).await.expect_exit(3);
    run.expect_said("zq7secret");
    let asked = server.asked();
    let lines: Vec<&str> =
        asked.iter().filter_map(|one| one.line.split_once("?rid=").map(|parts| parts.0)).collect();
    let mut sorted = lines.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["GET /p/start", "GET /p/start", "POST /p", "POST /p/3"], "{asked:?}");
    let differs = asked.iter().find(|one| one.line.starts_with("POST /p/3")).expect("the end");
    assert!(differs.body.contains("id = 7  changed: name"), "{}", differs.body);
    assert!(!differs.body.contains("zq7secret"), "{}", differs.body);
}

#[tokio::test]
async fn a_webhook_hears_of_a_comparison_that_found_rows() {
    let db = filled().await;
    let server = WebServer::start(Web::Status(200));
    let hook = ["-webhook", &server.url("/hook"), "-webhook-on", "failure"];
    verify(&db, &hook).await.expect_exit(0);
    assert!(server.asked().is_empty(), "all is equal: {:?}", server.asked());
    db.target("delete from item where id = 3").await;
    verify(&db, &hook).await.expect_exit(3);
    let asked = server.asked();
    let [one] = &asked[..] else { panic!("{asked:?}") };
    let object: Value = serde_json::from_str(&one.body).expect("JSON");
    assert_eq!(object["exit_status"], 3);
    assert_eq!(object["tables"][0]["missing"], 1);
    // A server that is no good is a warning, and changes nothing else.
    let server = WebServer::start(Web::Resets);
    let run = verify(&db, &["-webhook", &server.url("/s3cretpath")]).await.expect_exit(3);
    run.expect_said("-webhook").expect_unsaid("s3cretpath");
}
