//! Rules of tables, on a file.

use crate::app::App;
use crate::support::Pair;

const FILE: &str = "
    create table orders (id integer primary key, total real, note text, secret text, created_at text);
    insert into orders values (1, 10, 'a', 's', '2020-01-01 00:00:00'), (2, 20, 'b', 's', '2099-01-01 00:00:00'),
        (3, 30, null, 's', '2099-01-01 00:00:00');
";

#[tokio::test]
async fn rows_and_columns_are_chosen_in_the_words_of_sqlite() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    db.target("create table orders (id bigint primary key, amount double precision, note text)")
        .await;
    let rules = [
        "-set",
        "orders.where=ifnull(note, 'x') <> 'a' and created_at > datetime(current_timestamp, '-90 days')",
        "-set",
        "orders.columns=id,total,note",
        "-set",
        r#"orders.rename={"total": "amount"}"#,
    ];
    app.sync(&db).args(&rules).await.expect_ok().expect_changes("orders", (2, 0, 0));
    let rows = "select string_agg(concat_ws('|', id, amount, note), ', ' order by id) from orders";
    assert_eq!(db.target_value(rows).await, "2|20|b, 3|30");
    app.sync(&db).args(&rules).await.expect_unchanged();
    app.run("update orders set note = 'a' where id = 2; update orders set total = 31 where id = 3");
    app.sync(&db).args(&rules).await.expect_ok().expect_changes("orders", (0, 1, 1));
    app.sync(&db).args(&rules).await.expect_unchanged();
}

#[tokio::test]
async fn what_sqlite_cannot_evaluate_is_said_before_anything_is_written() {
    let app = App::with(FILE);
    app.run("create view drawn as select id from orders where random() > 0");
    let db = Pair::fresh().await;
    for (filter, why) in [
        ("no_such_column = 1", "no such column"),
        ("random() > 0", "random may give something else"),
        ("id < [random]()", "random may give something else"),
        ("id < `Random`()", "random may give something else"),
        ("id < \"RANDOM\"()", "random may give something else"),
        ("id in (select id from drawn)", "random may give something else"),
        ("created_at > now() - interval '90 days'", "syntax error"),
    ] {
        let rule = format!("orders.where={filter}");
        app.sync(&db).args(&["-set", &rule]).await.expect_exit(2).expect_said(why);
    }
    let mask = app.sync(&db).args(&["-set", r#"orders.mask={"note": "null"}"#]).await;
    mask.expect_exit(2).expect_said("masks are computed by a PostgreSQL source");
}

#[tokio::test]
async fn verify_and_dry_run_read_a_file() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    app.sync(&db).await.expect_ok();
    app.run("update orders set note = 'c' where id = 2; delete from orders where id = 1");
    let dry = app.sync(&db).args(&["-dry-run"]).await.expect_ok();
    dry.expect_changes("orders", (0, 1, 1));
    let (source, target) = (app.url(), db.target_url());
    let verify = |more: &[&'static str]| {
        let args = ["verify", "-source", &source, "-target", &target];
        crate::support::pgsync(&[&args[..], more].concat())
    };
    let told = verify(&[]).await.expect_exit(3);
    told.expect_said("orders");
    app.sync(&db).await.expect_ok();
    verify(&[]).await.expect_exit(0);
}

const EVENTS: &str = "
    create table event (id integer primary key, place integer, kind text, note text);
    insert into event values (1, 10, 'a', 'x'), (2, 20, 'a', 'y'), (3, 30, 'b', 'z');
";

#[tokio::test]
async fn append_inserts_new_keys_and_touches_no_other_row() {
    let app = App::with(EVENTS);
    let db = Pair::fresh().await;
    let sync = || app.sync(&db).args(&["-set", "event.mode=append"]);
    sync().await.expect_ok().expect_changes("event", (3, 0, 0));
    let marks = db.target_marks("event").await;
    app.run("update event set note = 'new' where id = 1; delete from event where id = 2; insert into event values (4, 40, 'c', 'w')");
    sync().await.expect_ok().expect_changes("event", (1, 0, 0));
    let after = db.target_marks("event").await;
    assert!(marks.iter().all(|mark| after.contains(mark)), "{marks:?} in {after:?}");
    assert_eq!(after.len(), 4);
    sync().await.expect_unchanged();
}

#[tokio::test]
async fn upsert_leaves_what_vanished() {
    let app = App::with(EVENTS);
    let db = Pair::fresh().await;
    let sync = || app.sync(&db).args(&["-set", "event.mode=upsert"]);
    sync().await.expect_ok().expect_changes("event", (3, 0, 0));
    app.run("update event set note = 'new' where id = 1; delete from event where id = 2; insert into event values (4, 40, 'c', 'w')");
    sync().await.expect_ok().expect_changes("event", (1, 1, 0));
    let rows = "select string_agg(id || note, ' ' order by id) from event";
    assert_eq!(db.target_value(rows).await, "1new 2y 3z 4w");
    sync().await.expect_unchanged();
}

#[tokio::test]
async fn another_key_finds_the_rows() {
    let app = App::with(
        "create table event (id integer primary key, place integer not null unique, note text); \
         insert into event values (1, 10, 'x'), (2, 20, 'y');",
    );
    let db = Pair::fresh().await;
    db.target("create table event (place bigint primary key, note text)").await;
    let rules = ["-set", "event.key=place", "-set", "event.columns=place,note"];
    let sync = || app.sync(&db).args(&rules);
    sync().await.expect_ok().expect_changes("event", (2, 0, 0));
    app.run("update event set id = id + 100; update event set note = 'z' where place = 20");
    sync().await.expect_ok().expect_changes("event", (0, 1, 0));
    sync().await.expect_unchanged();
}

#[tokio::test]
async fn columns_are_left_out_by_name() {
    let app = App::with(EVENTS);
    let db = Pair::fresh().await;
    let sync = || app.sync(&db).args(&["-set", "event.excludeColumns=note,kind"]);
    sync().await.expect_ok();
    let names = "select string_agg(attname, ' ' order by attnum) from pg_attribute where attrelid = 'event'::regclass and attnum > 0";
    assert_eq!(db.target_value(names).await, "id place");
    app.run("update event set note = 'unseen'");
    sync().await.expect_unchanged();
}

#[tokio::test]
async fn rules_name_what_the_file_writes_in_upper_case() {
    let app = App::with(
        "create table \"Order\" (\"Id\" integer primary key, \"IsPaid\" boolean, \"At\" datetime); \
         insert into \"Order\" values (1, 1, '2024-01-01 10:00:00'); \
         create table \"Kept\" (\"Id\" integer primary key, \"IsPaid\" boolean); insert into \"Kept\" values (1, 0)",
    );
    let db = Pair::fresh().await;
    db.target("create schema land").await;
    let rules = [
        "-set",
        "order.targetTable=orders",
        "-set",
        r#"order.rename={"ispaid": "paid"}"#,
        "-set",
        "kept.targetSchema=land",
        "-set",
        r#"kept.rename={"IsPaid": "paid"}"#,
    ];
    app.sync(&db).args(&rules).await.expect_ok();
    app.sync(&db).args(&rules).await.expect_unchanged();
    app.run("update \"Order\" set \"IsPaid\" = 0; update \"Kept\" set \"IsPaid\" = 1");
    let run = app.sync(&db).args(&rules).await.expect_ok();
    run.expect_changes("order", (0, 1, 0)).expect_changes("kept", (0, 1, 0));
    let rows = "select o.paid::text || k.paid || o.at from orders o join land.kept k using (id)";
    assert_eq!(db.target_value(rows).await, "falsetrue2024-01-01 10:00:00");
}

#[tokio::test]
async fn a_table_has_another_name_on_the_target() {
    let app = App::with(EVENTS);
    let db = Pair::fresh().await;
    db.target("create schema sales").await;
    let rules =
        ["-set", "event.targetTable=sales.happening", "-set", r#"event.rename={"note": "remark"}"#];
    let sync = || app.sync(&db).args(&rules);
    sync().await.expect_ok();
    let rows = "select string_agg(id || remark, ' ' order by id) from sales.happening";
    assert_eq!(db.target_value(rows).await, "1x 2y 3z");
    app.run("delete from event where id = 1; update event set note = 'q' where id = 2");
    sync().await.expect_ok().expect_changes("event", (0, 1, 1));
    assert_eq!(db.target_value(rows).await, "2q 3z");
    sync().await.expect_unchanged();
}

/// The region's own rows of a table that each region's file calls `parcels`.
fn region(text: &str) -> App {
    App::with(&format!(
        "create table parcels (id integer primary key autoincrement, owner text not null unique, at text); \
         create index parcels_at on parcels (at); insert into parcels values (7, '{text}', 'now')"
    ))
}

#[tokio::test]
async fn tables_of_one_name_in_two_files_have_their_own_tables() {
    let db = Pair::fresh().await;
    for (name, rule) in
        [("north", "parcels.targetTable=north"), ("south", "parcels.targetTable=south")]
    {
        let app = region(name);
        app.sync(&db).args(&["-set", rule]).await.expect_ok();
        app.sync(&db).args(&["-set", rule]).await.expect_unchanged();
        db.target(&format!("insert into {name} (owner) values ('own')")).await;
    }
    let rows = "select string_agg(id || owner, ' ' order by owner, id) from (table north union all table south) t";
    assert_eq!(db.target_value(rows).await, "7north 8own 8own 7south");
    let named = "select string_agg(indexrelid::regclass::text, ' ' order by indexrelid::regclass::text) \
                 from pg_index where indrelid in ('north'::regclass, 'south'::regclass)";
    let names =
        "north_owner_key north_parcels_at north_pkey south_owner_key south_parcels_at south_pkey";
    assert_eq!(db.target_value(named).await, names);
}

#[tokio::test]
async fn what_belongs_to_a_table_has_room_beside_any_name() {
    let app = App::with(
        "create table a (id integer primary key autoincrement, v text unique); create index by_v on a (v, id); \
         create table b (id integer primary key autoincrement, v text unique); \
         insert into a values (1, 'x'); insert into b values (1, 'p')",
    );
    let db = Pair::fresh().await;
    let long = "n".repeat(63);
    for [first, second] in [["North", "north"], [long.as_str(), "other"]] {
        let rules = [format!("a.targetTable={first}"), format!("b.targetTable={second}")];
        let run = || app.sync(&db).args(&["-set", &rules[0], "-set", &rules[1]]);
        run().await.expect_ok();
        run().await.expect_unchanged();
        let rows =
            format!("select string_agg(v, '') from (table \"{first}\" union all table {second}) t");
        assert_eq!(db.target_value(&rows).await.len(), 2);
        let keys = format!(
            "select count(*) from pg_constraint where conrelid in ('\"{first}\"'::regclass, '{second}'::regclass) and contype in ('p', 'u')"
        );
        assert_eq!(db.target_value(&keys).await, "4");
    }
}

/// As PostgreSQL names them, with numbers.
#[tokio::test]
async fn no_constraint_is_lost_where_shortened_names_are_alike() {
    let (table, column) = ("m".repeat(40), "c".repeat(30));
    let app = App::with(&format!(
        "create table {table} (id integer primary key, {column}x text unique, {column}y text unique, z text); \
         create index {table}{column}1 on {table} (z); create index {table}{column}2 on {table} (z, id); \
         insert into {table} values (1, 'a', 'b', 'c')"
    ));
    let db = Pair::fresh().await;
    app.sync(&db).await.expect_ok();
    app.sync(&db).await.expect_unchanged();
    let made = format!(
        "select string_agg(right(indexrelid::regclass::text, 6), ' ' order by indexrelid) from pg_index where indrelid = '{table}'::regclass"
    );
    let made = db.target_value(&made).await;
    assert_eq!(made.split(' ').count(), 5, "{made}");
    let unique = format!(
        "select count(*) from pg_constraint where conrelid = '{table}'::regclass and contype = 'u'"
    );
    assert_eq!(db.target_value(&unique).await, "2");
}
