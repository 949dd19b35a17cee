//! `pgsync schema`: the statements, without a run.

use crate::dump::assert_same_definitions;
use crate::everything::{SCHEMAS, full_source};
use crate::support::{Outcome, Pair, pgsync};

async fn schema(db: &Pair, args: &[&str]) -> Outcome {
    let (source, target) = (db.source_url(), db.target_url());
    pgsync(&["schema", "-source", &source, "-target", &target]).args(args).await
}

#[tokio::test]
async fn what_is_printed_makes_an_empty_target_what_the_source_is() {
    let db = full_source().await;
    let printed = schema(&db, &["-schema", SCHEMAS]).await.expect_exit(1).stdout;
    db.target(&printed).await;
    assert_same_definitions(&db).await;
    assert_eq!(schema(&db, &["-schema", SCHEMAS]).await.expect_exit(0).stdout, "");
}

#[tokio::test]
async fn what_no_statement_mends_is_a_comment() {
    let db = Pair::with("create table item (id int primary key, v int)").await;
    db.source("alter table item alter v type text").await;
    let printed = schema(&db, &[]).await.expect_exit(1).stdout;
    assert!(printed.starts_with("-- public.item: column \"v\" is text on the source"), "{printed}");
}

#[tokio::test]
async fn what_a_terminal_would_obey_is_not_printed_as_a_statement() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key)").await;
    db.source("comment on table item is e'\\x1b[201~\\x1b[2J'").await;
    let printed = schema(&db, &[]).await.expect_exit(1).stdout;
    assert!(!printed.contains('\u{1b}'), "{printed}");
    assert!(printed.contains("-- left out, because a terminal would obey"), "{printed}");
    assert!(printed.contains("create table \"public\".\"item\""), "{printed}");
}
