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

#[tokio::test]
async fn a_function_may_name_a_sequence_that_a_later_statement_creates() {
    let db = Pair::fresh().await;
    db.source(
        "create sequence zz; create function nx() returns int language sql as 'select nextval(''public.zz'')::int';
        create table a (id int primary key default nx())",
    )
    .await;
    let printed = schema(&db, &[]).await.expect_exit(1).stdout;
    db.target(&printed).await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_table_without_columns_is_counted_before_it_is_there() {
    let db = Pair::fresh().await;
    db.source("create table z (); insert into z default values").await;
    db.sync().arg("-dry-run").await.expect_exit(0).expect_changes("z", (1, 0, 0));
    db.sync().await.expect_changes("z", (1, 0, 0));
}

#[tokio::test]
async fn what_rows_need_not_keep_is_printed_last_and_an_error_says_what_to_do() {
    let db = Pair::fresh().await;
    db.source(
        "create table t (a int primary key); create table u (b int constraint other check (b > 0));
         insert into t values (-1), (1); alter table t add constraint pos check (a > 0) not valid",
    )
    .await;
    let printed = schema(&db, &[]).await.expect_exit(1).stdout;
    let (_, last) = printed.split_once("others may violate them\n").expect("what comes last");
    assert!(last.contains("add constraint \"pos\"") && last.lines().count() == 1, "{printed}");
    db.target(&printed).await;
    for change in
        ["select 1", "alter table t drop constraint pos, add constraint pos check (a > 0)"]
    {
        db.target(change).await;
        let run = db.sync().await.expect_exit(1);
        let drop = "on the target: alter table public.t drop constraint pos;";
        run.expect_failed("t", &["NOT VALID on the source", drop]);
    }
    db.target("alter table t drop constraint pos").await;
    db.sync().await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_run_adds_again_what_rows_need_not_keep_after_the_rows() {
    let db = Pair::fresh().await;
    db.source(
        "create table t (a int primary key); insert into t values (-1), (1);
         alter table t add constraint pos check (a > 0) not valid",
    )
    .await;
    db.settle().await;
    db.target("truncate t").await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed(
        "t",
        &["NOT VALID on the source", "alter table public.t drop constraint pos"],
    );
    db.target("alter table t drop constraint pos").await;
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn what_tables_that_pgsync_did_not_create_have_otherwise_is_a_comment() {
    let db = Pair::with(
        "create table item (id int primary key, v int default 1, w text);
         create index item_v on item (v);
         alter table item add constraint pos check (v > 0)",
    )
    .await;
    db.target(
        "alter table item alter v drop default, drop constraint pos, add constraint pos check (v > 1);
         drop index item_v; create index item_w on item (w)",
    )
    .await;
    db.sync().await.expect_exit(0).expect_unsaid("item_v");
    let printed = schema(&db, &[]).await.expect_exit(0).stdout;
    let not_own = "because pgsync did not create the table";
    for line in [
        format!(
            "index public.item_v exists only on the source; a run leaves that, {not_own}; to change that, run: create index \"item_v\" on \"public\".\"item\""
        ),
        format!(
            "default of column public.item.v is not as on the source; a run leaves that, {not_own}; to change that, run: alter table"
        ),
        format!(
            "a run leaves this, {not_own}: constraint pos of public.item is defined differently on the source (constraint \"pos\" check ("
        ),
        format!(
            "a run leaves this, {not_own}: index public.item_w exists only on the target; to drop it, run: drop index "
        ),
    ] {
        assert!(printed.contains(&format!("-- public.item: {line}")), "{line}: {printed}");
    }
    assert!(printed.lines().all(|line| line.starts_with("--")), "{printed}");
    db.target(
        "alter table item alter v set default 1, drop constraint pos, add constraint pos check (v > 0);
         create index item_v on item (v); drop index item_w",
    )
    .await;
    assert_eq!(schema(&db, &[]).await.expect_exit(0).stdout, "");
}

#[tokio::test]
async fn columns_that_only_the_target_has_are_listed_whenever_it_is_asked() {
    let db = Pair::fresh().await;
    db.source(
        "create table item (id int primary key, gone text); insert into item values (1, 'x')",
    )
    .await;
    db.settle().await;
    db.source("alter table item drop column gone").await;
    db.target("alter table item add own int default 1").await;
    for _ in 0..2 {
        let listed = schema(&db, &[]).await.expect_exit(0);
        for column in ["gone", "own"] {
            let comment =
                format!("run on the target: alter table public.item drop column {column}");
            assert_eq!(listed.stdout.matches(&comment).count(), 1, "{listed}");
        }
        db.sync().arg("-quiet").await.expect_ok();
    }
}

/// Rows of a table that is there refer to those of one that is to be made.
#[tokio::test]
async fn a_foreign_key_is_validated_when_the_rows_of_its_parent_are_there() {
    let db = Pair::fresh().await;
    db.source("create table line (id int primary key, item int); insert into line values (1, 1)")
        .await;
    db.settle().await;
    db.source("create table item (id int primary key); insert into item values (1); alter table line add foreign key (item) references item").await;
    let printed = schema(&db, &[]).await.expect_exit(1).stdout;
    let both = printed.split_once("-- run these after the next run");
    let (now, after) = both.unwrap_or_else(|| panic!("{printed}"));
    assert!(now.contains("not valid") && !now.contains("validate constraint"), "{printed}");
    db.target(now).await;
    db.sync().args(&["-ddl", "none"]).await;
    let (_, validate) = after.split_once('\n').expect("statements");
    db.target(validate).await;
    assert_eq!(schema(&db, &[]).await.expect_exit(0).stdout, "");
}

#[tokio::test]
async fn a_key_over_a_column_that_a_run_has_still_to_fill_is_listed_after_that_run() {
    let db = Pair::fresh().await;
    db.source(
        "create table n (t text); insert into n select i::text from generate_series(1, 50) i",
    )
    .await;
    db.settle().await;
    db.source("alter table n add column id bigint generated always as identity primary key").await;
    db.sync().args(&["-max-delete", "0"]).await.expect_exit(5);
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(1);
    let (before, after) =
        listed.stdout.split_once("-- run these after the next run").expect("a comment");
    assert!(after.contains("add constraint \"n_pkey\" primary key"), "{listed}");
    db.target(before).await;
    db.sync().args(&["-max-delete", "off"]).await.expect_ok();
    db.settle().await;
}

#[tokio::test]
async fn a_key_that_a_table_of_others_lacks_is_listed_once_and_each_not_null_in_one_comment() {
    let db = Pair::fresh().await;
    db.source("create table tag (id int primary key, name text not null)").await;
    db.target("create table tag (id int, name text)").await;
    let printed = schema(&db, &[]).await.expect_exit(0).stdout;
    assert_eq!(printed.matches("primary key").count(), 1, "{printed}");
    assert_eq!(printed.matches("NOT NULL of column public.tag.name").count(), 1, "{printed}");
    let run = |line: &str| line.split_once("to change that, run: ").map(|(_, run)| run.to_owned());
    for statements in printed.lines().filter_map(run) {
        db.target(&statements).await;
    }
    assert_eq!(schema(&db, &[]).await.expect_exit(0).stdout, "");
}

#[tokio::test]
async fn statements_of_a_not_null_that_were_not_all_run_leave_a_constraint_that_is_told_as_such() {
    let db = Pair::with("create table t (id int primary key, c text)").await;
    db.source("alter table t alter c set not null").await;
    let printed = schema(&db, &[]).await.expect_exit(0).stdout;
    let lead = "-- public.t: NOT NULL of column public.t.c is not as on the source; a run leaves that, because pgsync did not create \
                the table; to change that, run: ";
    let statements = printed.lines().find_map(|line| line.strip_prefix(lead)).expect(&printed);
    let statements: Vec<&str> =
        statements.strip_suffix(';').expect(statements).split("; ").collect();
    let Some((drop, first)) = statements.split_last().filter(|(_, first)| first.len() > 1) else {
        return;
    };
    db.target(&first.join("; ")).await;
    let printed = schema(&db, &[]).await.expect_exit(0).stdout;
    let name = drop.rsplit(' ').next().unwrap_or_default().trim_matches('"');
    let lead = format!(
        "-- public.t: constraint {name} of public.t (left by a killed run, or by statements that were not all run) exists only on the \
         target; a run leaves that, because pgsync did not create the table; to drop it, run: "
    );
    let drop = printed.lines().find_map(|line| line.strip_prefix(&lead)).expect(&printed);
    db.target(drop).await;
    assert_eq!(schema(&db, &[]).await.expect_exit(0).stdout, "");
}
