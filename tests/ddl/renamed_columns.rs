//! Columns that the source has renamed: whoever pastes what is printed has one column again, and nothing is left to say.

use crate::support::{Outcome, Pair, pgsync};

const RENAME: &str = "run on the target: ";

/// The statements behind the question whether a column was renamed.
fn renames(text: &str) -> String {
    let (_, rest) = text.split_once(RENAME).unwrap_or_else(|| panic!("a statement in {text}"));
    let ends = ["; to keep the target's name", "; otherwise"];
    ends.iter().filter_map(|end| rest.find(end)).min().map_or(rest, |end| &rest[..end]).to_owned()
}

fn failure(run: &Outcome, table: &str) -> String {
    run.table(table).error.expect("an error").message
}

fn asking(run: &Outcome) -> String {
    let note = run.notes().into_iter().find(|note| note.contains("renamed to "));
    note.unwrap_or_else(|| panic!("a question expected of {run}"))
}

/// The next run finds both sides equal, and nothing is left to say.
async fn assert_settled(db: &Pair) {
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    let run = db.sync().await.expect_unchanged();
    assert_eq!(run.notes(), Vec::<String>::new(), "{run}");
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(0);
    assert_eq!(listed.stdout, "", "{listed}");
}

#[tokio::test]
async fn a_column_of_the_key_that_was_renamed_is_asked_for_and_renamed_by_what_is_printed() {
    let keys = ["id int primary key", "id serial primary key"];
    let identity = "id int generated always as identity primary key";
    for key in keys.into_iter().chain([identity]) {
        for mode in ["additive", "none"] {
            let db = Pair::fresh().await;
            db.source(&format!(
                "create table item ({key}, v text); create table line (id int primary key, item int references item);
                 insert into item (id, v) overriding system value values (1, 'a'), (2, 'b'); insert into line values (1, 1)"
            ))
            .await;
            db.settle().await;
            db.source("alter table item rename column id to item_id").await;
            let statement = "alter table public.item rename column id to item_id";
            for _ in 0..2 {
                let run = db.sync().args(&["-ddl", mode, "-max-delete", "10%"]).await;
                assert_eq!(renames(&failure(&run, "item")), statement, "{run}");
                run.expect_exit(1).expect_unsaid("defined differently");
            }
            db.target(statement).await;
            assert_settled(&db).await;
        }
    }
}

#[tokio::test]
async fn who_has_another_column_in_the_key_goes_on_with_the_other_statements() {
    let db = Pair::fresh().await;
    db.source(
        "create table item (id serial primary key, v text); insert into item (v) values ('a')",
    )
    .await;
    db.settle().await;
    db.source("alter table item rename column id to item_id").await;
    let failed = failure(&db.sync().await.expect_exit(1), "item");
    let (_, otherwise) =
        failed.split_once("otherwise, run on the target: ").expect("another statement");
    db.target(otherwise).await;
    db.sync().await.expect_ok();
    db.sync().await.expect_unchanged();
    assert_eq!(db.target_value("select item_id from item").await, "1");
}

#[tokio::test]
async fn columns_that_were_renamed_together_are_told_by_one_statement() {
    let db = Pair::fresh().await;
    db.source("create table item (a int, b int, v text not null, w text not null, primary key (a, b)); insert into item values (1, 2, 'v', 'w')")
        .await;
    db.settle().await;
    db.source("alter table item rename a to aa; alter table item rename b to bb; alter table item rename v to vv; alter table item rename w to ww")
        .await;
    let run = db.sync().await.expect_exit(1);
    let failed = failure(&run, "item");
    assert!(
        failed.starts_with("only the target has the columns \"a\" and \"b\" and \"v\""),
        "{run}"
    );
    db.target(&renames(&failed)).await;
    assert_settled(&db).await;
}

#[tokio::test]
async fn a_note_of_a_column_that_only_the_target_has_asks_whether_it_was_renamed() {
    let tables = [
        "id int, v text, w text",
        "id int, w text, v text",
        "id int primary key, v text unique, w text",
        "id int primary key, w text, v text",
        "id int primary key, v serial, w text",
    ];
    for table in tables {
        for is_first in [true, false] {
            let db = Pair::fresh().await;
            db.source(&format!(
                "create table item ({table}); insert into item (id) values (1), (2)"
            ))
            .await;
            db.settle().await;
            db.source("alter table item rename column v to name").await;
            let asked = if is_first {
                asking(&db.sync().await.expect_ok())
            } else {
                // It is listed before a run has added the column, and pasted afterwards.
                let (source, target) = (db.source_url(), db.target_url());
                let args = ["schema", "-source", &source, "-target", &target];
                let listed = pgsync(&args).await.expect_exit(1).stdout;
                db.sync().await.expect_ok();
                listed.lines().find(|line| line.contains("renamed to ")).expect("a line").to_owned()
            };
            assert!(asked.contains("renamed to \"name\"? Then run on the target: "), "{asked}");
            assert!(
                asked.ends_with("run on the target: alter table public.item drop column v"),
                "{asked}"
            );
            db.target(&renames(&asked)).await;
            assert_settled(&db).await;
        }
    }
}

#[tokio::test]
async fn a_refused_table_without_a_key_is_asked_for_every_night() {
    for table in ["id int, v text, w text", "id int, w text, v text"] {
        let db = Pair::fresh().await;
        db.source(&format!(
            "create table item ({table}); insert into item (id, v) select i, 'v' from generate_series(1, 100) i"
        ))
        .await;
        db.settle().await;
        db.source("alter table item rename column v to name").await;
        let mut asked = String::new();
        for _ in 0..3 {
            let run = db.sync().args(&["-max-delete", "10%"]).await.expect_exit(5);
            asked = asking(&run);
            run.expect_refused("item", &["its columns have changed"]);
        }
        db.target(&renames(&asked)).await;
        assert_settled(&db).await;
    }
}

#[tokio::test]
async fn a_column_that_is_missing_is_asked_for_where_nothing_is_made() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, v text, w text); insert into item values (1, 'v', 'w')").await;
    db.settle().await;
    db.source("alter table item rename column v to name; alter table item rename column w to note")
        .await;
    let run = db.sync().args(&["-ddl", "none"]).await.expect_exit(1);
    let asked = failure(&run, "item");
    assert!(
        asked.starts_with("if the source has renamed the column \"v\" to \"name\" and"),
        "{run}"
    );
    assert!(asked.contains("otherwise: missing on the target: "), "{run}");
    db.target(&renames(&asked)).await;
    db.sync().args(&["-ddl", "none"]).await.expect_unchanged();
    assert_settled(&db).await;
}

#[tokio::test]
async fn a_column_that_was_dropped_is_not_asked_for() {
    let changes = [
        "alter table item drop column v",
        "alter table item drop column v; alter table item add column n int",
        "alter table item drop column v; alter table item add column name text",
    ];
    for change in changes {
        let db = Pair::fresh().await;
        db.source("create table item (id int primary key, v text, w text); insert into item values (1, 'v', 'w')").await;
        db.settle().await;
        db.source(change).await;
        let run = db.sync().await.expect_ok().expect_unsaid("renamed to");
        run.expect_note("drop column v");
    }
}

#[tokio::test]
async fn a_renamed_column_is_told_to_one_who_reads_warnings_only() {
    let db = Pair::with("create table supplier (id int primary key, phone text)").await;
    db.source("insert into supplier values (1, '1')").await;
    db.settle().await;
    db.source("alter table supplier rename phone to telephone").await;
    let run = db.sync().args(&["-quiet"]).await.expect_ok();
    let asked = "supplier - warning: only the target has the column \"phone\", which gets no values of the source; \
                 if it is the target's own, do nothing; renamed to \"telephone\"? Then run on the target: ";
    assert!(run.stderr.contains(asked), "{run}");
    let run = db.sync().args(&["-quiet"]).await.expect_ok();
    assert_eq!(run.stderr, "", "{run}");
}

#[tokio::test]
async fn a_column_that_the_target_alone_had_before_is_not_asked_for() {
    let db = Pair::with("create table item (id int primary key, v text)").await;
    db.source("insert into item values (1, 'v')").await;
    db.target("alter table item add own text default 'x'").await;
    db.sync().await.expect_ok();
    db.source("alter table item add name text; alter table item add note text").await;
    db.sync().await.expect_ok().expect_unsaid("only the target has the column");
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(0);
    let told = "only the target has the column \"own\", which gets no values of the source; if it is the target's own, do nothing; if the source";
    assert!(listed.stdout.contains(told), "{listed}");
}

#[tokio::test]
async fn a_column_that_the_target_has_renamed_first_can_keep_its_name() {
    let db = Pair::with("create table item (id int primary key, title text not null)").await;
    db.source("insert into item values (1, 'v')").await;
    db.settle().await;
    db.target("alter table item rename title to name").await;
    let failed = failure(&db.sync().await.expect_exit(1), "item");
    let told = "only the target has the column \"name\", which is NOT NULL without a default; renamed to \"title\"? Then run on \
                the target: alter table public.item rename column name to title; to keep the target's name, use -set \
                'public.item.rename={\"title\": \"name\"}'; otherwise, run on the target: alter table public.item alter column \
                name drop not null";
    assert_eq!(failed, told);
    let config = |name: &str| {
        let rule =
            format!(r#"{{"tables": {{"public.item": {{"rename": {{"title": "{name}"}}}}}}}}"#);
        db.file("config.json", &rule)
    };
    let file = config("nam");
    let run = db.sync().args(&["-config", &file]).await.expect_exit(1);
    let typo =
        "renamed to \"title\", which the rule rename calls \"nam\"? Then run on the target: ";
    assert!(failure(&run, "item").contains(typo), "{run}");
    assert!(
        failure(&run, "item").contains("; to keep the target's name, correct the rule rename; ")
    );
    let file = config("name");
    db.source("insert into item values (2, 'w')").await;
    db.sync().args(&["-config", &file]).await.expect_ok().expect_changes("item", (1, 0, 0));
    let rule = r#"public.item.rename={"title": "name"}"#;
    db.sync().args(&["-set", rule]).await.expect_unchanged();
}

#[tokio::test]
async fn a_column_that_was_renamed_and_got_a_wider_type_is_asked_for() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, name varchar(40) not null, w text); insert into item values (1, 'v', 'w')").await;
    db.settle().await;
    db.source("alter table item rename name to title; alter table item alter title type varchar(80); insert into item values (2, repeat('x', 80), 'w')").await;
    for _ in 0..2 {
        let failed = failure(&db.sync().await.expect_exit(1), "item");
        let asked = "only the target has the column \"name\", which is NOT NULL without a default; renamed to \"title\"? Then run \
                     on the target: alter table public.item rename column name to title; ";
        assert!(failed.starts_with(asked), "{failed}");
    }
    db.target("alter table public.item rename column name to title").await;
    assert_settled(&db).await;
}

#[tokio::test]
async fn a_column_that_needs_a_value_can_be_kept_with_a_default() {
    let db = Pair::with("create table item (id int primary key)").await;
    db.source("insert into item values (1)").await;
    db.settle().await;
    db.target("alter table item add own text not null default ''; alter table item alter own drop default").await;
    let failed = failure(&db.sync().await.expect_exit(1), "item");
    let told = "only the target has the column \"own\", which is NOT NULL without a default; to keep it, give it a default, or run \
                on the target: alter table public.item alter column own drop not null; if the source has dropped or renamed it, \
                run on the target: alter table public.item drop column own";
    assert_eq!(failed, told);
    db.target("alter table public.item drop column own").await;
    assert_settled(&db).await;
}

#[tokio::test]
async fn a_rule_for_some_columns_hides_no_other_column_that_only_the_target_has() {
    let rules = [
        ["-set", "supplier.excludeColumns=hint"],
        ["-set", "supplier.rename={\"hint\": \"remark\"}"],
    ];
    for rule in rules {
        let db = Pair::with(
            "create table supplier (id int primary key, phone text, hint int, remark int)",
        )
        .await;
        db.source(
            "alter table supplier drop column remark; insert into supplier values (1, '1', 2)",
        )
        .await;
        db.sync().args(&rule).await.expect_ok();
        db.source("alter table supplier rename phone to telephone").await;
        let run = db.sync().args(&rule).args(&["-quiet"]).await.expect_ok();
        let asked = "supplier - warning: only the target has the column \"phone\", which gets no values of the source; \
                     if it is the target's own, do nothing; ";
        let run = run.expect_said(asked).expect_unsaid("the column \"hint\"");
        assert!(
            asking(&run).contains("renamed to \"telephone\"? Then run on the target: "),
            "{run}"
        );
        db.target(&renames(&asking(&run))).await;
        db.sync().args(&rule).await.expect_ok();
        let run = db.sync().args(&rule).await.expect_unchanged();
        run.expect_unsaid("only the target has");
        assert_eq!(db.target_value("select telephone from supplier").await, "1");
    }
}
