//! What a run prints for somebody to run: pasted line by line, it makes all that the tables need.

use crate::dump::assert_same_definitions;
use crate::support::{Outcome, Pair, pgsync};

/// What the failed tables say that somebody is to run, in their order.
fn to_paste(run: &Outcome) -> Vec<String> {
    let errors = run.tables().into_iter().filter_map(|table| table.error);
    let statements = |message: String| {
        let (_, rest) = message.split_once("; run there")?;
        rest.split_once(": ").map(|(_, statements)| statements.to_owned())
    };
    errors.filter_map(|error| statements(error.message)).collect()
}

async fn paste(db: &Pair, run: &Outcome) {
    for line in to_paste(run) {
        // Whoever pastes another line has a prompt like before.
        db.target(&format!("reset search_path; {line}")).await;
    }
}

const SHOP: &str = "
    create type mood as enum ('sad', 'happy');
    create table b_order (id int primary key, a int, z int, m mood, up int references b_order,
        ref text unique check (ref <> ''));
    create index on b_order (m);
    create table a_customer (id int primary key, m mood);
    create table z_item (id int not null, code text not null, unique (id, code));
    create unique index on z_item (code);
    create table part (id int, d int, primary key (id, d)) partition by range (d);
    create table part_1 partition of part for values from (0) to (10) partition by range (id);
    create table part_1_1 partition of part_1 for values from (0) to (10);
    create index on part (d);
    alter table b_order add foreign key (a) references a_customer, add foreign key (z, ref) references z_item (id, code);
    insert into a_customer values (1, 'sad');
    insert into b_order values (1, 1, null, 'sad', 1, 'r');
    insert into part values (1, 1)";

#[tokio::test]
async fn of_many_missing_tables_none_names_each_in_short() {
    let db = Pair::fresh().await;
    db.source(SHOP).await;
    let run = db.sync().args(&["-ddl", "none"]).await.expect_exit(1).expect_unsaid("create table");
    for table in ["a_customer", "b_order", "part", "z_item"] {
        let message = run.table(table).error.expect("an error").message;
        let told = format!(
            "missing on the target: table public.{table}; pgsync schema, with the same settings, prints the statements"
        );
        assert_eq!(message, told);
    }
    let (source, target) = (db.source_url(), db.target_url());
    let args = ["schema", "-source", &source, "-target", &target, "-ddl", "none"];
    db.target(&pgsync(&args).await.expect_exit(1).stdout).await;
    assert_same_definitions(&db).await;
    db.sync().args(&["-ddl", "none"]).await.expect_ok().expect_unsaid("lacks the key");
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_table_that_refers_to_one_that_is_there_is_printed_with_its_foreign_key() {
    let db = Pair::with("create table parent (id int primary key)").await;
    db.source("create table child (id int primary key, p int references parent)").await;
    let run = db.sync().args(&["-ddl", "none"]).await.expect_exit(1);
    paste(&db, &run.expect_unsaid("pgsync schema")).await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn what_is_printed_lands_in_the_schema_that_the_target_has() {
    let db = Pair::fresh().await;
    db.source("create type mood as enum ('a'); create table item (id int primary key, m mood)")
        .await;
    db.target("create schema \"My app\"").await;
    let args = ["-ddl", "none", "-target-schema", "My app"];
    let run = db.sync().args(&args).await.expect_exit(1);
    paste(&db, &run).await;
    let made = "select string_agg(relname, ' ' order by relname) from pg_class where relnamespace = '\"My app\"'::regnamespace
        and relname like 'item%'";
    assert_eq!(db.target_value(made).await, "item item_pkey");
    db.sync().args(&args).await.expect_ok();
}

#[tokio::test]
async fn definitions_that_use_an_extension_elsewhere_are_printed_with_the_search_path() {
    let db = Pair::fresh().await;
    db.source("create extension citext; create table item (id citext primary key)").await;
    db.target("create schema ext; create extension citext schema ext").await;
    let (source, target) = (db.source_url(), db.target_url());
    let schema = pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(1);
    let run = db.sync().args(&["-ddl", "none"]).await.expect_exit(1);
    paste(&db, &run).await;
    db.sync().args(&["-ddl", "none"]).await.expect_ok();
    db.target("drop table item").await;
    db.target(&schema.stdout).await;
    db.sync().args(&["-ddl", "none"]).await.expect_ok();
}

/// The statement behind the note about a missing key.
fn statement(run: &Outcome) -> String {
    let notes = run.notes();
    let note = notes.iter().find(|note| note.contains("lacks the key"));
    let note = note.unwrap_or_else(|| panic!("a note about a key expected of {run}"));
    note.rsplit_once("run on the target: ").expect("a statement").1.to_owned()
}

#[tokio::test]
async fn a_key_that_the_target_lacks_is_named_once_with_its_statement() {
    let cases = [
        (
            "create table item (id int primary key, v text)",
            "create table item (id int not null, v text)",
            "item",
        ),
        (
            "create table item (id int, \"V 2\" text not null, primary key (id, \"V 2\"))",
            "create table item (id int, \"V 2\" text)",
            "item",
        ),
        (
            "create table item (id int not null unique, v text)",
            "create table item (id int, v text)",
            "item",
        ),
        (
            "create table item (id int primary key, v text not null)",
            "create table item (id int, v text primary key)",
            "item",
        ),
    ];
    for (here, there, table) in cases {
        let db = Pair::fresh().await;
        db.source(here).await;
        db.target(there).await;
        db.source(&format!("insert into {table} values (1, 'a'), (2, 'b')")).await;
        let first = db.sync().await.expect_ok();
        let statement = statement(&first);
        db.sync().await.expect_unchanged().expect_unsaid("lacks the key");
        let (source, target) = (db.source_url(), db.target_url());
        let args = ["schema", "-source", &source, "-target", &target];
        let listed = pgsync(&args).await.expect_exit(0);
        // A key of the name that the source has is listed as what only the source has.
        let is_constraint = listed.stdout.contains(
            "because pgsync did not create the table; to change that, run: create unique index",
        );
        assert!(
            listed.stdout.contains(&statement) != is_constraint,
            "{statement} expected of {listed}"
        );
        db.target(&statement).await;
        let left = pgsync(&args).await.expect_exit(0).stdout;
        let is_theirs = |line: &str| line.contains("because pgsync did not create the table");
        assert!(left.lines().all(is_theirs) && !left.contains("the next run"), "{here}: {left}");
        db.source("update item set id = 3 where id = 1").await;
        db.sync()
            .await
            .expect_ok()
            .expect_unsaid("lacks the key")
            .expect_changes("item", (1, 0, 1));
        // Dropped again, it is said again.
        let drop = "do $$ declare c record; begin for c in select conname from pg_constraint where conrelid = 'item'::regclass
            and contype in ('p', 'u') loop execute format('alter table item drop constraint %I', c.conname); end loop; end $$";
        db.target(drop).await;
        db.sync().await.expect_ok().expect_note("lacks the key");
    }
}

/// With a key of fewer columns beside it, rows of the source would be in each other's way.
#[tokio::test]
async fn a_key_of_fewer_columns_gives_way_to_that_of_the_source() {
    let here = "create table item (id int, v text not null, primary key (id, v))";
    let cases = [
        (
            "create table item (id int constraint own primary key, v text)",
            "alter table public.item drop constraint own, add primary key (id, v)",
        ),
        (
            "create table item (id int not null, v text); create unique index own on item (id); create table c (id int references item (id))",
            "alter table if exists public.c drop constraint if exists c_id_fkey; drop index public.own; \
             alter table public.item add primary key (id, v)",
        ),
    ];
    for (there, expected) in cases {
        let db = Pair::fresh().await;
        db.source(here).await;
        db.target(there).await;
        db.source("insert into item values (1, 'a'), (2, 'b')").await;
        let run = db.sync().await.expect_ok();
        assert_eq!(statement(&run), expected);
        db.source("update item set v = v || v").await;
        let run = db.sync().args(&["-max-delete", "10%"]).await;
        let told = format!(
            "the key is (id, v) on the source and (id) on the target, so a changed row counts as one deleted and one inserted; 2 of 2 \
             rows would be deleted, more than -max-delete 10% allows: no row was changed; check the source, then run on the \
             target: {expected}; and allow it for one run: -set public.item.maxDelete=off, or -force for all tables"
        );
        run.expect_refused("item", &[&told]);
        db.target(expected).await;
        db.sync().await.expect_ok().expect_changes("item", (2, 0, 2));
        db.assert_same("item").await;
    }
}

#[tokio::test]
async fn a_key_that_pgsync_makes_is_not_called_missing() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, v text); insert into item values (1, 'a')")
        .await;
    db.sync().await.expect_ok().expect_unsaid("lacks the key");
    db.sync().await.expect_ok().expect_unsaid("lacks the key");
    db.target("alter table item drop constraint item_pkey").await;
    let run = db.sync().args(&["-ddl", "none"]).await.expect_ok();
    assert_eq!(run.notes().iter().filter(|note| note.contains("key")).count(), 1, "{run}");
}

#[tokio::test]
async fn a_key_that_is_renamed_is_added_under_its_name_on_the_target() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, v text)").await;
    db.target("create table item (number int, v text)").await;
    let args = ["-set", r#"item.rename={"id": "number"}"#];
    let run = db.sync().args(&args).await.expect_ok();
    assert_eq!(statement(&run), "alter table public.item add primary key (number)");
}

#[tokio::test]
async fn rules_that_need_a_key_print_its_statement() {
    let rules = [r#"{"mode": "append"}"#, r#"{"key": ["id"]}"#];
    for rule in rules {
        let db = Pair::fresh().await;
        db.source("create table item (id int primary key, v text)").await;
        db.target("create table item (id int, v text)").await;
        db.source("insert into item values (1, 'a')").await;
        db.target("insert into item values (1, 'a')").await;
        let config = db.file("rules.json", &format!(r#"{{"tables": {{"item": {rule}}}}}"#));
        let (source, target) = (db.source_url(), db.target_url());
        let args = ["schema", "-source", &source, "-target", &target, "-config", &config];
        let listed = pgsync(&args).await.expect_exit(1).expect_said("add primary key (id)");
        assert!(listed.stdout.starts_with("-- public.item: "), "{listed}");
        let run = db.sync().args(&["-config", &config]).await.expect_exit(1);
        let message = run.table("item").error.expect("an error").message;
        let (_, statement) = message.rsplit_once("run on the target: ").expect("a statement");
        db.target(statement).await;
        db.sync().args(&["-config", &config]).await.expect_ok();
        pgsync(&args).await.expect_exit(0);
    }
}

/// What notes say that somebody is to run, pasted in the order in which it is printed.
async fn paste_notes(db: &Pair, run: &Outcome) {
    for note in run.notes() {
        let statements = ["; run on the target: ", "; to drop it, run: "]
            .iter()
            .find_map(|before| Some(note.split_once(before)?.1.to_owned()));
        if let Some(statements) = statements {
            let (statements, _) =
                statements.split_once("; the next run").unwrap_or((&statements, ""));
            db.target(statements).await;
        }
    }
}

#[tokio::test]
async fn a_key_that_others_refer_to_is_replaced_by_what_one_note_says() {
    let db = Pair::fresh().await;
    db.source(
        "create table boss (id int, dept int, code int unique, primary key (id, dept));
         create table worker (id int primary key, boss int, dept int, code int references boss (code),
             constraint up foreign key (boss, dept) references boss);
         insert into boss values (1, 1, 1); insert into worker values (1, 1, 1, 1)",
    )
    .await;
    db.settle().await;
    db.source(
        "alter table worker drop constraint up, drop constraint worker_code_fkey;
         alter table boss drop constraint boss_pkey, drop constraint boss_code_key, add primary key (dept, id);
         alter table worker add constraint up foreign key (dept, boss) references boss",
    )
    .await;
    let run = db.sync().await.expect_unchanged();
    let run = run.expect_note(
        "drop constraint \"up\"; alter table \"public\".\"boss\" drop constraint \"boss_pkey\"",
    );
    let run =
        run.expect_note("worker_code_fkey\"; alter table \"public\".\"boss\" drop constraint");
    let run = run.expect_unsaid("lacks the key").expect_unsaid("_fkey of public.worker");
    paste_notes(&db, &run).await;
    db.sync().await.expect_ok();
    db.settle().await.expect_unsaid("drop constraint").expect_unsaid("lacks the key");
    assert_same_definitions(&db).await;
}
