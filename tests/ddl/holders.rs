//! Statements that are told for a column that cannot be had as it is: the target takes them.

use crate::support::{Pair, pgsync};

/// What somebody is told to run for a table that failed.
async fn told(db: &Pair, table: &str) -> String {
    let run = db.sync().await.expect_exit(1);
    let message = run.table(table).error.map(|error| error.message).unwrap_or_default();
    let (_, statements) = message.rsplit_once("on the target: ").unwrap_or_default();
    statements.split(" (").next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_view_that_holds_a_column_is_named_with_the_statement() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, qty int, price numeric(6, 2)); insert into item values (1, 1, 1)").await;
    db.settle().await;
    db.target("create view total as select sum(qty) as n from item; create materialized view other as select id from item").await;
    db.source("alter table item alter qty type bigint").await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed(
        "item",
        &["first save view public.total, which uses the column, with its grants (pg_dump -s -t public.total -f views-item.sql), then"],
    );
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(1);
    assert!(listed.stdout.contains("save view public.total, which uses the column"), "{listed}");
    let told = told(&db, "item").await;
    assert_eq!(
        told,
        "drop view public.total; alter table public.item alter column qty type bigint"
    );
    db.target(&told).await;
    db.sync().await.expect_ok();
}

#[tokio::test]
async fn a_column_of_which_another_is_computed_gets_its_type_by_what_is_told() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.source("create table a (id int primary key, x int, g int generated always as (x * 2) stored); insert into a values (1, 1)").await;
    db.settle().await;
    db.source("alter table a drop g; alter table a alter x type bigint; alter table a add g bigint generated always as (x * 2) stored").await;
    db.target(&told(&db, "a").await).await;
    db.sync().await.expect_ok();
    db.settle().await;
}

#[tokio::test]
async fn a_column_of_a_partition_key_is_told_to_need_another_table() {
    let db = Pair::fresh().await;
    if !db.has(11, "primary keys of partitioned tables").await {
        return;
    }
    db.source("create table p (id int primary key) partition by range (id); create table p1 partition of p for values from (0) to (10); insert into p values (1)").await;
    db.settle().await;
    db.target("create view on_p as select count(*) from p").await;
    db.source("drop table p; create table p (id bigint primary key) partition by range (id); create table p1 partition of p for values from (0) to (10); insert into p values (1)").await;
    let text = "first save view public.on_p, which reads the table, with its grants (pg_dump -s -t public.on_p -f views-p.sql), then drop the \
         table on the target, for the column is in its partition key, and the next run creates it: drop view if exists public.on_p; \
         drop table public.p (after that run, restore it: psql -f views-p.sql)";
    db.sync().await.expect_failed("p", &[text]);
    db.target("drop view if exists public.on_p; drop table public.p").await;
    db.sync().await.expect_ok();
    db.settle().await;
}

#[tokio::test]
async fn an_inherited_column_gets_its_type_by_what_is_told_of_the_parent() {
    let db = Pair::fresh().await;
    db.source("create table ev (id int, b int); create table ce () inherits (ev); insert into ev values (1, 1); insert into ce values (2, 2)").await;
    db.settle().await;
    db.source("alter table ev alter b type bigint").await;
    db.sync()
        .await
        .expect_failed("ce", &["what is told for public.ev, from which the column is inherited"]);
    db.target(&told(&db, "ev").await).await;
    db.settle().await;
}

#[tokio::test]
async fn a_key_column_that_the_source_has_no_more_takes_null_by_what_is_told() {
    let db = Pair::fresh().await;
    db.source("create table a (id int primary key, v int unique); insert into a values (1, 1)")
        .await;
    db.settle().await;
    db.source("alter table a rename id to ident").await;
    // The last of the two.
    let takes_null = told(&db, "a").await;
    db.target(&takes_null).await;
    db.sync().await.expect_ok();
    db.settle().await;
}

#[tokio::test]
async fn a_function_that_a_generated_column_needs_comes_with_the_column() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.source("create function vat(int) returns int language sql immutable as 'select $1 * 2'; create table a (id int primary key, g int generated always as (vat(id)) stored) ; insert into a values (1)").await;
    db.settle().await;
    db.source("alter function vat(int) rename to vat2").await;
    let message = db
        .sync()
        .await
        .expect_exit(1)
        .table("a")
        .error
        .map(|error| error.message)
        .unwrap_or_default();
    let statement = "alter table \"public\".\"a\" drop column \"g\"";
    assert!(
        message
            .ends_with(&format!("{statement}; the next run creates the column and what it needs")),
        "{message}"
    );
    db.target(statement).await;
    db.sync().await.expect_ok();
    db.settle().await;
}

#[tokio::test]
async fn a_generated_column_of_a_partitioned_table_is_altered_in_that() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.source("create table p (id int, x int, g int generated always as (x * 2) stored) partition by range (id); create table p1 partition of p for values from (0) to (10);
        create table p2 partition of p for values from (10) to (20); create table a2 partition of p for values from (20) to (30) partition by range (id); insert into p values (1, 1), (11, 1)").await;
    db.settle().await;
    db.source("alter table p drop g; alter table p add g int generated always as (x * 3) stored")
        .await;
    let run =
        db.sync().await.expect_failed("p", &["alter table \"public\".\"p\" drop column \"g\""]);
    run.expect_unsaid("\"p2\"").expect_unsaid("\"a2\"");
    db.target("alter table p drop column g, add column g int generated always as (x * 3) stored")
        .await;
    db.settle().await;
}

#[tokio::test]
async fn a_view_that_keeps_a_column_short_is_named_when_a_value_is_too_long() {
    let db =
        Pair::with("create table item (id int primary key, code varchar(8), other varchar(8))")
            .await;
    db.settle().await;
    db.target("create view codes as select code from item").await;
    db.source("alter table item alter code type varchar(30); insert into item values (1, 'longer than eight')")
        .await;
    for mode in ["additive", "reset"] {
        let run = db.sync().args(&["-ddl", mode]).await.expect_exit(1);
        let told = "save view public.codes, which uses the column, with its grants (pg_dump -s -t public.codes -f views-item.sql), then run \
                    on the target: drop view public.codes; alter table public.item alter column code type character varying(30) \
                    (then restore it: psql -f views-item.sql)";
        let run = run.expect_failed("item", &["value too long", told]);
        drop(run.expect_unsaid("stays"));
    }
    let statements = "drop view public.codes; alter table public.item alter column code type character varying(30)";
    db.target(statements).await;
    db.settle().await;
}

#[tokio::test]
async fn a_key_that_becomes_bigint_is_settled_by_what_is_told_though_rows_refer_to_missing_ones() {
    let db = Pair::fresh().await;
    db.source(
        "create table c (id serial primary key, n text); create table rv (id serial primary key, cid int references c);
         insert into c (n) select i from generate_series(1, 5) i; insert into rv (cid) select i from generate_series(1, 5) i",
    )
    .await;
    db.settle().await;
    db.source("alter table c alter id type bigint; insert into c (n) values ('new'); insert into rv (cid) values (6)")
        .await;
    let run = db.sync().await.expect_exit(1);
    let told = "alter table public.rv drop constraint if exists rv_cid_fkey; alter table public.c alter column id type bigint";
    run.expect_failed(
        "c",
        &[&format!("run on the target: {told} (the next run creates the foreign key again)")],
    );
    db.target(told).await;
    db.sync().await.expect_ok();
    db.settle().await;
    let keys = "select count(*) from pg_constraint where conname = 'rv_cid_fkey'";
    assert_eq!(db.target_value(keys).await, "1");
}

#[tokio::test]
async fn a_foreign_key_that_no_run_creates_again_is_told_with_the_statement_that_does() {
    let db = Pair::with("create table c (id int primary key); create table rv (id int primary key, cid int references c)").await;
    db.source("insert into c values (1); insert into rv values (1, 1)").await;
    let run = || db.sync().args(&["-ddl", "none"]);
    run().await.expect_ok();
    db.source("alter table c alter id type bigint; alter table rv alter cid type bigint").await;
    let told = run().await.expect_exit(1).table("c").error.expect("an error").message;
    let (_, statements) = told.split_once("run on the target: ").expect("statements");
    let (drop, again) = statements.split_once(" (after the next run, run: ").expect("a remedy");
    db.target(drop).await;
    db.target("alter table rv alter cid type bigint").await;
    run().await.expect_ok();
    db.target(again.strip_suffix(')').expect("an end")).await;
    run().await.expect_unchanged();
    let keys = "select count(*) from pg_constraint where conname = 'rv_cid_fkey'";
    assert_eq!(db.target_value(keys).await, "1");
}

#[tokio::test]
async fn columns_of_a_foreign_key_that_become_text_are_settled_in_any_order() {
    let db = Pair::fresh().await;
    db.source(
        "create table skill (id uuid primary key, n text);
         create table owned (id int primary key, skill uuid references skill, other uuid references skill);
         insert into skill values ('6b5d2f54-5d3f-4d5c-8d7e-6a4a1f0c1d11', 'a');
         insert into owned select 1, id, id from skill",
    )
    .await;
    db.settle().await;
    db.source(
        "alter table owned drop constraint owned_skill_fkey, drop constraint owned_other_fkey;
         alter table skill alter id type text; alter table owned alter skill type text, alter other type text;
         alter table owned add foreign key (skill) references skill, add foreign key (other) references skill",
    )
    .await;
    for first in ["owned", "skill"] {
        let run = db.sync().await.expect_exit(1);
        let told = run.table(first).error.expect("an error").message;
        let (_, statement) = told.split_once("run on the target").expect("a statement");
        let (_, statement) = statement.split_once(": ").expect("a statement");
        let statement = statement.split_once(" (").map_or(statement, |(statement, _)| statement);
        db.target(statement).await;
    }
    db.sync().await.expect_ok();
    db.settle().await;
    let keys = "select count(*) from pg_constraint where contype = 'f'";
    assert_eq!(db.target_value(keys).await, "2");
}

async fn listed(db: &Pair) -> String {
    let (source, target) = (db.source_url(), db.target_url());
    pgsync(&["schema", "-source", &source, "-target", &target]).await.stdout
}

#[tokio::test]
async fn the_statement_of_a_note_names_what_holds_its_column() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, v varchar(50), note text, n int)").await;
    db.settle().await;
    db.target(
        "create view shown as select v, note from item; create materialized view kept as select note from item;
         create function f() returns trigger language plpgsql as 'begin return new; end';
         create trigger watch after update of v on item for each row execute procedure f()",
    )
    .await;
    db.source("alter table item alter v type varchar(40); alter table item drop note").await;
    let shorter = "alter column \"v\" type character varying(40)";
    let texts = [
        "drop trigger watch on public.item, which uses the column (create it again".to_owned(),
        "save view public.shown, which uses the column, with its grants (".to_owned(),
        "save materialized view public.kept and view public.shown, which use the column, with their grants and indexes (".to_owned(),
        "drop column note (then create them again without the column)".to_owned(),
    ];
    let printed = listed(&db).await;
    let mut run = db.sync().await.expect_ok();
    for text in &texts {
        run = run.expect_note(text);
        assert_eq!(printed.matches(text).count(), 1, "{text} expected once of {printed}");
    }
    db.target("drop view shown; drop materialized view kept; drop trigger watch on item").await;
    db.target(&format!("alter table item {shorter}; alter table item drop column note")).await;
    db.settle().await.expect_unsaid("which uses the column");
}

#[tokio::test]
async fn no_statement_is_printed_that_what_holds_a_column_would_have_refused() {
    let holders = [
        (
            "create view shown as select v from item",
            "drop view shown",
            "save view public.shown, which uses the column, with its ",
        ),
        (
            "create materialized view shown as select v from item",
            "drop materialized view shown",
            "save materialized view public.shown, which uses the column, with its ",
        ),
        (
            "create rule r as on update to item where new.v = 'x' do also select 1",
            "drop rule r on item",
            "drop rule r on public.item, which uses the column",
        ),
        (
            "create function f() returns trigger language plpgsql as 'begin return new; end'; create trigger watch after update of v on item for each row execute procedure f()",
            "drop trigger watch on item",
            "drop trigger watch on public.item, which uses the column",
        ),
        (
            "create policy own on item using (v <> 'x')",
            "drop policy own on item",
            "drop policy own on public.item, which uses the column",
        ),
    ];
    for (create, drop, said) in holders {
        let db = Pair::fresh().await;
        db.source("create table item (id int primary key, v varchar(5)); insert into item values (1, 'a')").await;
        db.settle().await;
        db.target(create).await;
        db.source("alter table item alter v type varchar(9)").await;
        let printed = listed(&db).await;
        let left = "-- public.item: column public.item.v stays character varying(5), but it is character varying(9) on the source: first ";
        assert!(printed.contains(left) && printed.contains(said), "{printed}");
        db.target(&printed).await;
        for args in [["-ddl", "none"], ["-dry-run", "-json"]] {
            let run = db.sync().args(&args).await.expect_note(said);
            run.expect_unsaid("run there").expect_unsaid("would change");
        }
        db.target(drop).await;
        db.target(&listed(&db).await).await;
        db.settle().await.expect_unsaid("stays");
    }
}

#[tokio::test]
async fn a_type_that_a_partitioned_table_keeps_is_told_of_that_alone_with_what_holds_its_partitions()
 {
    let db = Pair::fresh().await;
    db.source(
        "create table p (a int, v varchar(50)) partition by range (a);
         create table p1 partition of p for values from (0) to (10)",
    )
    .await;
    db.settle().await;
    db.target("create view shown as select v from p1").await;
    db.source("alter table p alter v type varchar(40)").await;
    let shorter = r#"alter table "public"."p" alter column "v" type character varying(40)"#;
    let run = db.sync().await.expect_note("save view public.shown, which uses the column");
    drop(run.expect_unsaid("public.p1.v"));
    db.target("drop view shown").await;
    db.target(shorter).await;
    db.settle().await.expect_unsaid("on the target");
}

/// Runs a command that pgsync prints, in `folder`, as somebody whose environment leads to the target.
fn run_in_shell(db: &Pair, folder: &std::path::Path, command: &str) {
    let url = db.target_url();
    let place = url.split_once('@').expect("a user").1;
    let (server, database) = place.split_once('/').expect("a database");
    let (host, port) = server.split_once(':').expect("a port");
    let bin = crate::support::bin_folder("TARGET");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let done = std::process::Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .envs([
            ("PGHOST", host),
            ("PGPORT", port),
            ("PGUSER", "postgres"),
            ("PGDATABASE", database),
        ])
        .env("PATH", path)
        .output()
        .expect("a shell can be run");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && !said.contains("ERROR"), "{command}: {said}");
}

#[tokio::test]
async fn views_on_a_view_that_holds_a_column_are_saved_dropped_and_restored_by_what_is_told() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, qty int); insert into item values (1, 1)")
        .await;
    db.settle().await;
    db.target(
        "create view v as select id, qty from item; create view \"W\" as select qty from v; grant select on \"W\" to public;
         create materialized view m as select * from \"W\"; create index on m (qty); create view counts as select count(*) from item",
    )
    .await;
    db.source("alter table item alter qty type bigint").await;
    let message = db.sync().await.expect_exit(1).table("item").error.expect("an error").message;
    let save = r#"pg_dump -s -t public.m -t 'public."W"' -t public.v -f views-item.sql"#;
    let run = r#"drop materialized view public.m; drop view public."W"; drop view public.v; alter table public.item alter column qty type bigint"#;
    let restore = "psql -f views-item.sql -c 'refresh materialized view public.m'";
    assert_eq!(
        message,
        format!(
            r#"column "qty" is bigint on the source and integer on the target, and the target's type has to be the same, or a wider one: first save materialized view public.m, view public."W" and view public.v, which use the column, with their grants and indexes ({save}), then run on the target: {run} (then restore them: {restore})"#
        )
    );
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(&db.name);
    std::fs::create_dir_all(&folder).expect("a folder");
    run_in_shell(&db, &folder, save);
    db.target(run).await;
    run_in_shell(&db, &folder, restore);
    db.settle().await;
    let there = "select concat_ws(' ', (select qty from m), has_table_privilege('pg_monitor', '\"W\"', 'select'), (select count(*) from pg_indexes where tablename = 'm'))";
    assert_eq!(db.target_value(there).await, "1 t 1");
}

#[tokio::test]
async fn a_number_that_a_view_keeps_short_fails_the_dry_run_and_the_listing_as_it_fails_the_run() {
    let db =
        Pair::with("create table item (id int primary key, total numeric(12, 2), c varchar(5))")
            .await;
    db.settle().await;
    db.target(
        "create view totals as select total, c from item; create view more as select * from totals",
    )
    .await;
    db.source("alter table item alter total type numeric(16, 2), alter c type varchar(9)").await;
    let told = "column \"total\" is numeric(16,2) on the source and numeric(12,2) on the target, and the target's type has to be the \
                same, or a wider one: first save view public.more and view public.totals, which use the column, with their grants \
                (pg_dump -s -t public.more -t public.totals -f views-item.sql), then run on the target: drop view public.more; \
                drop view public.totals; alter table public.item alter column total type numeric(16,2) (then restore them: psql -f \
                views-item.sql)";
    for args in [&["-dry-run"][..], &[], &["-ddl", "none"]] {
        let run = db.sync().args(args).await.expect_exit(1).expect_failed("item", &[told]);
        drop(run.expect_unsaid("stays"));
    }
    let printed = listed(&db).await;
    assert!(printed.contains(told) && !printed.contains("stays"), "{printed}");
    db.target("drop view public.more; drop view public.totals; alter table public.item alter column total type numeric(16,2)").await;
    db.settle().await;
}

#[tokio::test]
async fn a_table_that_views_keep_from_being_rebuilt_is_settled_by_what_is_told() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, n int)").await;
    db.settle().await;
    db.target("create view a as select count(*) from item; create view b as select * from a").await;
    db.source("alter table item alter n type bigint").await;
    let reset = || db.sync().args(&["-ddl", "reset"]);
    let told = "it cannot be rebuilt: view public.b and view public.a read it: save them with their grants (pg_dump -s -t public.b -t \
                public.a -f views-item.sql), run on the target: drop view public.b; drop view public.a; run pgsync again, and then restore \
                them: psql -f views-item.sql";
    drop(reset().await.expect_failed("item", &[told]));
    db.target("drop view public.b; drop view public.a").await;
    reset().await.expect_ok();
}

#[tokio::test]
async fn all_columns_that_cannot_be_widened_are_told_at_once_though_a_view_holds_one() {
    let db =
        Pair::with("create table product (id int primary key, price numeric(8, 2), weight int)")
            .await;
    db.settle().await;
    db.target("create materialized view v as select price from product").await;
    db.source(
        "alter table product alter price type numeric(12, 2), alter weight type numeric(8, 3)",
    )
    .await;
    let save = "pg_dump -s -t public.v -f views-product.sql";
    let run = "drop materialized view public.v; alter table public.product alter column price type numeric(12,2), alter column \
               weight type numeric(8,3) using null::numeric(8,3)";
    let told = format!(
        "column \"price\" is numeric(12,2) on the source and numeric(8,2) on the target, column \"weight\" is numeric(8,3) on the \
         source and integer on the target, and the target's type has to be the same, or a wider one: first save materialized view \
         public.v, which uses the column, with its grants and indexes ({save}), then run on the target, which empties the column \
         until the next run fills it: {run}"
    );
    for args in [&["-dry-run"][..], &[], &["-ddl", "none"]] {
        drop(db.sync().args(args).await.expect_exit(1).expect_failed("product", &[&told]));
    }
    let printed = listed(&db).await;
    assert!(printed.contains(&told), "{printed}");
    db.target(run).await;
    db.settle().await;
}

#[tokio::test]
async fn a_foreign_key_whose_table_is_gone_from_the_source_is_told_with_its_statement() {
    let db = Pair::with("create schema other").await;
    db.source("create table a (id int primary key, n int); create table b (id int primary key, aid int references a)")
        .await;
    db.settle().await;
    db.source("alter table b set schema other; alter table a alter id type bigint").await;
    let told = "alter table public.a alter column id type bigint (after the next run, run: alter table public.b add constraint b_aid_fkey \
                FOREIGN KEY (aid) REFERENCES public.a(id))";
    db.sync().schema("public").await.expect_exit(1).expect_failed("a", &[told]);
}
