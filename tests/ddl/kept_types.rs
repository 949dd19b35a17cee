//! Columns of which the target keeps another type, and what is compared of their tables all the same.

use crate::support::Pair;

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
    for _ in 0..2 {
        let run = db.sync().await.expect_unchanged();
        let run = run.expect_note("constraint public.w wc is defined differently on the source");
        let run = run.expect_note("index public.wi is defined differently on the source");
        let run = run.expect_note(
            "column public.w.v is character varying(40) on the source and character varying(50) on the target",
        );
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
        let run = run.expect_note("until then not compared: constraint public.a cc");
        run.expect_note("constraint public.a nc is defined differently")
            .expect_unsaid("public.a cc is defined differently");
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
