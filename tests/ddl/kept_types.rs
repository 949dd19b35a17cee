//! Columns of which the target keeps another type, and what is compared of their tables all the same.

use crate::support::{Outcome, Pair, pgsync};

async fn followed(table: &str, change: &str) -> Pair {
    let db = Pair::fresh().await;
    db.source(table).await;
    db.sync().await.expect_ok();
    db.source(change).await;
    db
}

#[tokio::test]
async fn a_shorter_type_of_a_column_hides_no_other_difference() {
    let db = followed(
        "create table w (id int primary key, v varchar(50) constraint wc check (v <> 'q'), n int default 1);
         create index wi on w (n); create index wl on w (lower(v))",
        "alter table w alter v type varchar(40), alter n set default 2; alter table w drop constraint wc;
         alter table w add constraint wc check (v <> 'w'); drop index wi; create index wi on w (id)",
    )
    .await;
    let column = "column public.w.v is character varying(40) on the source and character varying(50) on the target";
    for is_said in [true, false] {
        let run = db.sync().await.expect_unchanged();
        let run = run.expect_note("constraint wc of public.w is defined differently on the source");
        let run = run.expect_note("index public.wi is defined differently on the source");
        let run = if is_said { run.expect_note(column) } else { run.expect_unsaid(column) };
        run.expect_unsaid("public.wl").expect_unsaid("not compared");
    }
    db.target("alter table w alter v type varchar(40)").await;
    db.sync().await.expect_unchanged().expect_unsaid("character varying(50)");
}

#[tokio::test]
async fn what_is_worded_by_another_type_is_named_with_the_statement_that_changes_it() {
    let db = followed(
        "create table a (id int primary key, c text constraint cc check (c <> ''), n int constraint nc check (n > 0))",
        "alter table a drop constraint cc; alter table a alter c type int using c::int;
         alter table a add constraint cc check (c > 3), drop constraint nc, add constraint nc check (n > 1);
         insert into a values (1, 5, 7)",
    )
    .await;
    for _ in 0..2 {
        let run = db.sync().await.expect_ok();
        let run =
            run.expect_note("column public.a.c is integer on the source and text on the target");
        let run = run.expect_note("until then not compared: constraint cc of public.a");
        run.expect_note("constraint nc of public.a is defined differently")
            .expect_unsaid("constraint cc of public.a is defined differently");
    }
    let run = db.sync().await;
    let note = run.notes().into_iter().find(|note| note.contains("alter column")).expect("a note");
    let (_, statement) = note.split_once("run on the target: ").expect("a statement");
    let (statement, _) = statement.split_once("; until then").expect("an end");
    db.target("alter table a drop constraint cc").await;
    db.target(statement).await;
    db.target("alter table a drop constraint nc").await;
    db.settle().await.expect_unsaid("on the source");
}

#[tokio::test]
async fn an_operator_that_another_type_lacks_is_no_missing_function() {
    let db = followed(
        "create table a (id int primary key, c text)",
        "alter table a alter c type int using c::int; alter table a add constraint cc check (c > 3); insert into a values (1, 5)",
    )
    .await;
    let run = db.sync().await;
    let run = run.expect_note("alter column \"c\" type integer using \"c\"::integer");
    drop(run.expect_unsaid("psql").expect_said("a column has another type on the target"));
}

/// What is told to run on the target, of failures and of notes.
fn told(run: &Outcome) -> Vec<String> {
    let errors = run.tables().into_iter().filter_map(|table| table.error);
    let all = errors.map(|error| error.message).chain(run.notes());
    let statements = all.flat_map(|text| {
        let text = text.replace(
            "run on the target, which empties the column until the next run fills it: ",
            "run on the target: ",
        );
        let told = text.split("run on the target: ").skip(1).map(str::to_owned);
        told.collect::<Vec<String>>()
    });
    statements.collect()
}

/// Types that a column comes to have, each with the one before, with what makes it and with a value of it.
const NEW_TYPES: [[&str; 4]; 7] = [
    ["e", "varchar(12)", "create type e as enum ('a', 'b')", "'b'"],
    ["e", "text", "create type e as enum ('a', 'b')", "'b'"],
    ["e[]", "varchar(12)", "create type e as enum ('a', 'b')", "'{a,b}'"],
    ["d", "varchar(12)", "create domain d as varchar(3) check (value <> '')", "'a'"],
    [
        "c",
        "varchar(12)",
        "create type e as enum ('a', 'b'); create type c as (x int, y e)",
        "'(1,a)'",
    ],
    ["r", "varchar(12)", "create type r as range (subtype = int4)", "'[1,2)'"],
    ["s.e", "varchar(12)", "create schema s; create type s.e as enum ('a', 'b')", "'b'"],
];

#[tokio::test]
async fn a_type_that_a_column_comes_to_have_is_there_for_the_told_statement() {
    for [kind, before, create, value] in NEW_TYPES {
        let change = format!(
            "{create}; alter table t alter v type {kind} using null; update t set v = {value}"
        );
        let table =
            format!("create table t (id int primary key, v {before}); insert into t values (1)");
        let db = followed(&table, &change).await;
        let run = db.sync().await.expect_note("created on the target: ");
        let statements = told(&run);
        assert!(!statements.is_empty(), "{run}");
        for statement in statements {
            db.target(&statement).await;
        }
        db.settle().await.expect_unsaid("on the source");
        db.assert_all_same().await;
    }
}

#[tokio::test]
async fn without_changes_of_definitions_a_missing_type_is_told_with_its_statement() {
    let db = followed(
        "create table t (id int primary key, v date); create table u (id int primary key, v text)",
        "create type e as enum ('a', 'b'); alter table t alter v type e using null; alter table u alter v type e using null",
    )
    .await;
    let run = db.sync().args(&["-ddl", "none"]).await.expect_exit(1);
    let run = run.expect_note("type public.e is missing on the target; run there: ");
    let note = run.notes().into_iter().find(|note| note.contains("create type")).expect("a note");
    db.target(note.rsplit_once("run there: ").expect("a statement").1).await;
    for statement in told(&run) {
        db.target(&statement).await;
    }
    db.sync().args(&["-ddl", "none"]).await.expect_ok().expect_unsaid("on the target");
}

#[tokio::test]
async fn a_type_is_made_for_no_table_of_others_that_does_without() {
    let db = Pair::fresh().await;
    db.source("create type e as enum ('a'); create table t (id int primary key, v e); insert into t values (1, 'a')").await;
    db.target("create table t (id int primary key, v text)").await;
    db.sync().await.expect_ok();
    assert_eq!(
        db.target_value("select count(*)::text from pg_type where typname = 'e'").await,
        "0"
    );
}

#[tokio::test]
async fn a_label_that_was_renamed_is_told_once_with_the_statement_that_renames_it() {
    for acts in [false, true] {
        let db = Pair::fresh().await;
        db.source("create type st as enum ('a', 'b'); create table t (id int primary key, s st); insert into t values (1, 'a'), (2, 'b')").await;
        db.settle().await;
        db.source("alter type st rename value 'a' to 'a''a'").await;
        let rename = r#"alter type "public"."st" rename value 'a' to 'a''a'"#;
        let said = "type public.st keeps 'a', which the source no longer has";
        let run = db.sync().args(&["-ddl", "none"]).await.expect_exit(1);
        assert_eq!(
            run.table("t").error.expect("an error").message,
            format!(
                "if the source has renamed the label 'a' of type public.st to 'a'a', run on the target: {rename}; \
                 otherwise: missing on the target: label 'a'a' of type public.st; run there: alter type \
                 \"public\".\"st\" add value if not exists 'a''a' before 'a'"
            )
        );
        assert_eq!(run.notes(), Vec::<String>::new(), "{run}");
        let note = format!(
            "{said}, and would get 'a'a'; if the source has renamed the label 'a' of type public.st to 'a'a', run on the target: {rename}"
        );
        db.sync().arg("-dry-run").await.expect_ok().expect_note(&note);
        let (source, target) = (db.source_url(), db.target_url());
        let listed =
            pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(1);
        assert!(listed.stdout.starts_with(&format!("-- public.t: {note}\n")), "{listed}");
        if acts {
            db.target(rename).await;
            db.settle().await.expect_unsaid("which the source no longer has");
            assert_eq!(db.target_value("select enum_range(null::st)::text").await, "{a'a,b}");
        } else {
            let run = db.sync().await.expect_ok().expect_note(&format!("{said}, and gets 'a'a'"));
            let run = run.expect_said("t - warning: type public.st keeps 'a'");
            let exchange = r#"alter type "public"."st" rename value 'a''a' to 'pgsync_between'; alter type "public"."st" rename value 'a' to 'a''a'; alter type "public"."st" rename value 'pgsync_between' to 'a'"#;
            let way_out = format!(
                "; the synced rows have the source's labels, and nothing has to be done for them; only if views or own rows of \
                 the target use a label that was renamed: run on the target after this run: {exchange}; the next run writes"
            );
            run.expect_note("created on the target: 1 label").expect_said(&way_out);
            db.sync().await.expect_unchanged().expect_unsaid("which the source no longer has");
            db.target("create view v as select * from t where s = 'a'").await;
            db.target(exchange).await;
            db.sync().await.expect_ok();
            assert_eq!(db.target_value("select count(*) from v").await, "1");
            db.target("drop view v").await;
            db.sync().await.expect_unchanged();
        }
        db.assert_all_same().await;
    }
}

#[tokio::test]
async fn labels_that_may_be_renamed_in_several_ways_are_asked_for_one_by_one() {
    let db = Pair::fresh().await;
    db.source("create type st as enum ('a', 'b'); create table t (id int primary key, s st); insert into t values (1, 'a'), (2, 'b')").await;
    db.settle().await;
    db.source("alter type st rename value 'a' to 'x'; alter type st rename value 'b' to 'y'").await;
    let two = r#"if the source has renamed labels of type public.st ('a' to 'x', 'b' to 'y'), run on the target: alter type "public"."st" rename value 'a' to 'x'; alter type "public"."st" rename value 'b' to 'y'; otherwise: missing on the target: label 'x' of type public.st, label 'y' of type public.st; run there: "#;
    db.sync().args(&["-ddl", "none"]).await.expect_failed("t", &[two]);
    db.source("alter type st rename value 'y' to 'b'").await;
    db.source("alter type st add value 'z' after 'x'").await;
    let either = r#"if the source has renamed the label 'a' of type public.st to 'x', run on the target: alter type "public"."st" rename value 'a' to 'x'; if the source has renamed the label 'a' of type public.st to 'z', run on the target: alter type "public"."st" rename value 'a' to 'z'; otherwise: missing on the target: "#;
    db.sync().args(&["-ddl", "none"]).await.expect_failed("t", &[either]);
    db.target("alter type st rename value 'a' to 'x'").await;
    db.settle().await;
    assert_eq!(db.target_value("select enum_range(null::st)::text").await, "{x,z,b}");
}

#[tokio::test]
async fn a_domain_with_other_checks_on_the_source_is_told_with_the_statements_that_change_it() {
    let db = Pair::fresh().await;
    db.source(
        "create domain pct as int constraint small check (value between 0 and 100) constraint odd check (value <> 13);
         create domain part as pct; create domain word as varchar(9) check (value in ('a', 'b', 'c'));
         create table d (id int primary key, p pct, w word); create table l (id int primary key, p part);
         insert into d values (1, 50, 'a'); insert into l values (1, 1)",
    )
    .await;
    db.settle().await.expect_unsaid("domain");
    db.sync().await.expect_unchanged().expect_unsaid("domain");
    db.source(
        "alter domain pct drop constraint small; alter domain pct add constraint small check (value between 0 and 1000); alter domain pct drop constraint odd;
         insert into d values (2, 500, 'b'); insert into l values (2, 13)",
    )
    .await;
    let drops = r#"alter domain "public"."pct" drop constraint "odd"; alter domain "public"."pct" drop constraint "small""#;
    let add = r#"alter domain "public"."pct" add constraint "small" check (((VALUE >= 0) AND (VALUE <= 1000)))"#;
    let said = "type public.pct is defined differently on the source";
    for way in ["none", "additive", "reset"] {
        let run = db.sync().args(&["-ddl", way]).await.expect_note(said);
        let run =
            run.expect_failed("d", &[said, drops, add]).expect_failed("l", &[said, drops, add]);
        let named = run.notes().iter().filter(|note| note.contains(said)).count();
        assert_eq!(named, 1, "{:#?}", run.notes());
    }
    db.target(drops).await;
    db.sync().await.expect_ok().expect_note(add).expect_unsaid("drop constraint");
    db.assert_all_same().await;
    db.target(add).await;
    db.sync().await.expect_unchanged().expect_unsaid("domain");
    db.target("alter domain pct add constraint theirs check (value <> 14)").await;
    db.sync().await.expect_unchanged().expect_note(r#"drop constraint "theirs""#);
}

#[tokio::test]
async fn a_domain_that_was_renamed_is_told_once_with_the_statement_that_renames_it() {
    let db = Pair::fresh().await;
    db.source(
        "create domain email as text check (value like '%@%'); create domain short as email check (length(value) < 40);
         create table customer (id int primary key, e email, f email, constraint ce check (e <> 'x'));
         create table friend (id int primary key, s short); create table other (id int primary key, e text);
         insert into customer values (1, 'a@b', 'a@c'); insert into friend values (1, 'a@b')",
    )
    .await;
    db.settle().await.expect_unsaid("domain");
    db.source("alter domain email rename to email_address").await;
    let rename = r#"alter domain "public"."email" rename to "email_address""#;
    let said = "the source has the domain public.email_address where the target has public.email (column public.customer.e and 2 more)";
    for way in ["none", "additive"] {
        let run = db.sync().args(&["-ddl", way]).await.expect_unchanged().expect_note(said);
        let run = run.expect_note(rename);
        let named = run.notes().iter().filter(|note| note.contains("rename to")).count();
        assert_eq!(named, 1, "{:#?}", run.notes());
    }
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target]).await;
    assert_eq!(listed.stdout.matches(rename).count(), 1, "{listed}");
    // Another check: the source takes what the target's domain does not.
    db.source(
        "alter domain email_address drop constraint email_check; alter domain email_address add constraint email_check check (value <> '');
         insert into customer values (2, 'nobody'); insert into friend values (2, 'nobody')",
    )
    .await;
    let run = db.sync().await.expect_note(rename).expect_unsaid("fix them");
    run.expect_failed("customer", &[said, rename])
        .expect_failed("friend", &["public.email_address", rename]);
    db.target(rename).await;
    let drops = r#"alter domain "public"."email_address" drop constraint "email_check""#;
    let run = db.sync().await.expect_note(drops).expect_unsaid("rename to");
    run.expect_failed("customer", &[drops]).expect_failed("friend", &[drops]);
    db.target(drops).await;
    db.sync().await.expect_ok().expect_unsaid("rename to");
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_column_that_comes_to_be_of_another_domain_is_told_with_the_statement_that_changes_it() {
    let db = Pair::fresh().await;
    db.source(
        "create domain word as text check (value <> 'no'); create table a (id int primary key, w word default 'x', constraint ac check (w <> 'y'));
         create table b (id int primary key, w word); insert into a values (1, 'a')",
    )
    .await;
    db.settle().await;
    db.source("create domain term as text check (value <> 'never'); alter table a alter w type term; insert into a values (2, 'no')").await;
    let said = "column public.a.w is public.term on the source and public.word on the target";
    let run = db.sync().await.expect_note(said).expect_unsaid("fix them");
    let run = run.expect_failed("a", &[said]);
    let statement =
        told(&run).into_iter().find(|told| told.contains("alter table")).expect("a statement");
    db.target(&statement).await;
    db.settle().await.expect_unsaid("public.word");
}

#[tokio::test]
async fn a_renamed_domain_does_not_keep_a_table_from_being_rebuilt() {
    let db = Pair::fresh().await;
    db.source("create domain email as text check (value <> ''); create table a (id int primary key, e email); insert into a values (1, 'a')").await;
    db.settle().await;
    db.source("alter domain email rename to email_address").await;
    db.sync().args(&["-ddl", "reset"]).await.expect_ok();
    db.settle().await.expect_unsaid("domain");
}

#[tokio::test]
async fn a_domain_of_which_a_check_was_renamed_or_a_setting_changed_is_told_with_the_statements() {
    let db = Pair::fresh().await;
    db.source(
        "create domain pct as int default 3 constraint small check (value < 100);
         create table item (id int primary key, p pct); insert into item values (1, 5)",
    )
    .await;
    db.settle().await.expect_unsaid("pct");
    db.source("alter domain pct rename constraint small to little; alter domain pct set not null; alter domain pct set default 4")
        .await;
    let statements = [
        r#"alter domain "public"."pct" rename constraint "small" to "little""#,
        r#"alter domain "public"."pct" set not null"#,
        r#"alter domain "public"."pct" set default (4)"#,
    ];
    for mode in ["none", "additive"] {
        let run = db.sync().args(&["-ddl", mode]).await.expect_unchanged();
        assert_eq!(
            run.notes(),
            [
                format!(
                    "constraint small of type public.pct is little on the source; run on the target: {}",
                    statements[0]
                ),
                format!(
                    "type public.pct is NOT NULL on the source; after the next run, run on the target: {}",
                    statements[1]
                ),
                format!(
                    "default of type public.pct is not as on the source; run on the target: {}",
                    statements[2]
                ),
            ],
            "{run}"
        );
    }
    db.target(&statements.join("; ")).await;
    let run = db.sync().await.expect_unchanged();
    assert_eq!(run.notes(), Vec::<String>::new(), "{run}");
    db.source("alter domain pct drop not null; alter domain pct drop default").await;
    let run = db.sync().await.expect_unchanged();
    let drops = [
        r#"type public.pct takes NULL on the source; run on the target: alter domain "public"."pct" drop not null"#,
        r#"default of type public.pct is not as on the source; run on the target: alter domain "public"."pct" drop default"#,
    ];
    assert_eq!(run.notes(), drops, "{run}");
}

#[tokio::test]
async fn an_enum_that_was_renamed_together_with_a_label_is_told_with_the_statements_that_rename_both()
 {
    let db = Pair::fresh().await;
    db.source("create type mood as enum ('a', 'b'); create table item (id int primary key, m mood); insert into item values (1, 'a'), (2, 'b')").await;
    db.settle().await;
    db.source("alter type mood rename to feel; alter type feel rename value 'a' to 'x'").await;
    let renames = r#"alter type public.mood rename to feel; alter type "public"."feel" rename value 'a' to 'x'"#;
    for mode in ["none", "additive"] {
        let run = db.sync().args(&["-ddl", mode]).await.expect_exit(1);
        let told = format!("if the source has renamed the type, run on the target: {renames}");
        run.expect_failed("item", &[&told]).expect_unsaid("created on the target");
    }
    db.target(renames).await;
    db.settle().await;
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_narrower_type_of_the_source_is_said_once() {
    let db = followed(
        "create table customer (id int primary key, phone text, n int); insert into customer values (1, 'a', 1)",
        "alter table customer alter phone type varchar(60)",
    )
    .await;
    let told = "column public.customer.phone is character varying(60) on the source and text on the target, which holds all its \
                values; to change it, run on the target: alter table";
    db.sync().arg("-dry-run").await.expect_ok().expect_note(told);
    db.sync().await.expect_ok().expect_note(told);
    db.sync().await.expect_unchanged().expect_unsaid("customer.phone");
    db.source("alter table customer alter phone type varchar(50), alter n type smallint").await;
    let run = db.sync().await.expect_ok();
    drop(
        run.expect_note("character varying(50)")
            .expect_note("customer.n is smallint on the source and integer"),
    );
    db.sync().await.expect_unchanged().expect_unsaid("customer.");
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target]).await;
    listed.expect_said("customer.phone is character varying(50)");
}
