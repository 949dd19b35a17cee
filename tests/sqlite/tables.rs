//! Tables that a run makes on the target, going by the file.

use crate::app::App;
use crate::support::Pair;

const FILE: &str = "
    create table Author (id integer primary key autoincrement, name text not null unique, born date,
        score real default 1.5, active boolean default 1, photo blob, note, price decimal(8,2) default 9.90,
        seen datetime default current_timestamp, made text default (lower('X')));
    create table book (isbn varchar(20) primary key not null, title text, author_id integer
        references author(id) on delete cascade, pages int);
    create table shelf (room integer, place integer, isbn text, primary key (room, place)) without rowid;
    create index book_title on book (title, pages desc);
    create index book_long on book (pages) where pages > 1000;
    create unique index shelf_isbn on shelf (isbn);
    insert into author (id, name, born, active, photo, note, price, seen) values
        (1, 'Ann', '1969-07-20', 0, x'00ff', 5, 12.5, '2024-01-01 10:00:00'),
        (7, 'Bob', null, 1, null, 6, null, null);
    insert into book values ('978', 'One', 1, 100), ('979', null, 7, null);
    insert into shelf values (1, 1, '978'), (1, 2, '979');
";

#[tokio::test]
async fn rows_without_a_parent_fail_their_table_until_they_have_one() {
    let app = App::with(
        "create table p (id integer primary key); create table c (id integer primary key, p integer references p); \
         insert into p values (1), (2); insert into c values (1, 1), (2, 2), (3, null)",
    );
    let db = Pair::fresh().await;
    app.sync(&db).await.expect_ok();
    // SQLite checks nothing unless it is asked to.
    app.run("pragma foreign_keys = off; delete from p where id = 1");
    for _ in 0..3 {
        let run = app.sync(&db).await.expect_exit(1);
        run.expect_failed(
            "c",
            &["rows refer to rows of public.p that are not there", "PRAGMA foreign_key_check"],
        );
    }
    app.run("update c set p = 2 where id = 1");
    app.sync(&db).await.expect_ok();
    app.sync(&db).await.expect_ok().expect_unchanged();
}

#[tokio::test]
async fn missing_tables_are_made_with_keys_indexes_and_defaults() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    let run = app.sync(&db).await.expect_ok();
    let run = run.expect_tables(&["author", "book", "shelf"]).expect_changes("author", (2, 0, 0));
    run.expect_note("the default of column \"made\" is left out")
        .expect_note("book_long is left out");
    let columns = "select string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || \
                   case when a.attnotnull then ' not null' else '' end, ', ' order by a.attnum) \
                   from pg_attribute a where a.attrelid = 'author'::regclass and a.attnum > 0";
    assert_eq!(
        db.target_value(columns).await,
        "id bigint not null, name text not null, born date, score double precision, active boolean, photo bytea, \
         note bigint, price numeric(8,2), seen timestamp without time zone, made text"
    );
    let names = "select string_agg(relname, ', ' order by relname) from pg_class \
                 where relkind = 'i' and relnamespace = 'public'::regnamespace and relname !~ 'sync_log'";
    assert_eq!(
        db.target_value(names).await,
        "author_name_key, author_pkey, book_pkey, book_title, shelf_isbn, shelf_pkey"
    );
    let keys =
        "select string_agg(pg_get_constraintdef(oid), ', ') from pg_constraint where contype = 'f'";
    assert_eq!(
        db.target_value(keys).await,
        "FOREIGN KEY (author_id) REFERENCES author(id) ON DELETE CASCADE"
    );
    db.target("insert into author (name) values ('of the server')").await;
    assert_eq!(
        db.target_value("select concat_ws('|', id, score, active, price) from author where name = 'of the server'").await,
        "8|1.5|t|9.90"
    );
    app.sync(&db).await.expect_ok().expect_changes("author", (0, 0, 1));
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn a_table_that_is_called_like_the_log_is_named() {
    let app = App::with(
        "create table sync_log (id integer primary key, note text); insert into sync_log values (1, 'own'); \
         create table item (id integer primary key); insert into item values (1);",
    );
    let db = Pair::fresh().await;
    let text = "is left out: pgsync's own log on the target has that name; -log-table gives the log another";
    app.sync(&db).await.expect_ok().expect_tables(&["item"]).expect_note(text);
    let run = app.sync(&db).args(&["-exclude", "sync_log"]).await.expect_ok();
    assert!(run.notes().iter().all(|note| !note.contains(text)), "{run}");
    let db = Pair::fresh().await;
    let run = app.sync(&db).args(&["-log-table", "runs"]).await.expect_ok();
    run.expect_tables(&["item", "sync_log"]).expect_changes("sync_log", (1, 0, 0));
}

#[tokio::test]
async fn a_column_that_the_file_gets_later_is_added() {
    let app = App::with(
        "create table item (id integer primary key, name text); insert into item values (1, 'x');",
    );
    let db = Pair::fresh().await;
    app.sync(&db).await.expect_ok();
    app.run("alter table item add column weight real; update item set weight = 0.5;");
    app.sync(&db).await.expect_ok();
    assert_eq!(db.target_value("select weight::text from item").await, "0.5");
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn a_column_with_timestamps_of_two_forms_fails_by_name() {
    let app = App::with(
        "create table item (id integer primary key, at datetime); \
         insert into item values (1, 1700000000), (2, 1700000000000);",
    );
    let db = Pair::fresh().await;
    db.target("create table item (id bigint primary key, at timestamptz)").await;
    let run = app.sync(&db).await.expect_exit(1);
    run.expect_said("column \"at\" holds timestamps of several forms");
    assert_eq!(db.target_value("select count(*)::text from item").await, "0");
    app.run("update item set at = 1700000000 where id = 2");
    app.sync(&db).await.expect_ok();
    let at = "select extract(epoch from at)::bigint::text from item where id = 1";
    assert_eq!(db.target_value(at).await, "1700000000");
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn a_run_that_may_make_nothing_says_what_is_missing() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    let run = app.sync(&db).args(&["-ddl", "none"]).await.expect_exit(1);
    run.expect_said("missing on the target: table public.author; pgsync schema, with the same settings, prints the statements");
}

#[tokio::test]
async fn tables_and_columns_that_are_called_like_keywords_are_found_again() {
    let app = App::with(
        "create table \"order\" (id integer primary key, \"user\" text unique, \"time\" text);
         create table \"real\" (id integer primary key, \"order\" integer references \"order\"(id));
         insert into \"order\" values (1, 'Ann', 'x'); insert into \"real\" values (1, 1)",
    );
    let db = Pair::fresh().await;
    app.sync(&db).await.expect_ok().expect_tables(&["order", "real"]);
    app.run("update \"real\" set \"order\" = null");
    app.sync(&db).await.expect_ok().expect_changes("real", (0, 1, 0));
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn of_several_tables_and_columns_that_differ_by_case_none_is_guessed() {
    let app = App::with(
        "create table item (id integer primary key, name text); insert into item values (1, 'a')",
    );
    let db = Pair::fresh().await;
    db.target("create table \"Item\" (id bigint primary key, name text); create table \"ITEM\" (id bigint primary key, name text)").await;
    db.target("insert into \"Item\" values (7, 'x'); insert into \"ITEM\" values (8, 'y')").await;
    let run = app.sync(&db).await.expect_exit(1);
    run.expect_said("several tables of that name, \"ITEM\" and \"Item\": rename all but one");
    db.target("drop table \"ITEM\"; alter table \"Item\" rename name to \"Name\"; alter table \"Item\" add \"NAME\" text").await;
    let run = app.sync(&db).await.expect_exit(1);
    run.expect_said("column \"name\" could be, \"Name\" and \"NAME\": rename all but one");
    assert_eq!(db.target_value("select id || \"Name\" from \"Item\"").await, "7x");
    db.target("alter table \"Item\" drop \"NAME\"").await;
    app.sync(&db).await.expect_ok().expect_changes("Item", (1, 0, 1));
}

#[tokio::test]
async fn foreign_keys_that_postgresql_cannot_have_are_left_out() {
    let app = App::with(
        "pragma foreign_keys = off; create table p (id integer primary key, code text, part text); \
         create unique index p_part on p (part) where part > ''; \
         create table own (id integer primary key, p references p(id), q integer references P); \
         create table loose (id integer primary key, code text references p(code), part text references p(part)); \
         create table typed (id integer primary key, p text references p(id)); \
         create table lost (id integer primary key, n integer references absent(id)); \
         insert into p values (1, 'a', 'x'); insert into own values (1, 1, 1); insert into loose values (1, 'a', 'x'); \
         insert into typed values (1, '1'); insert into lost values (1, 5)",
    );
    let db = Pair::fresh().await;
    let run = app.sync(&db).await.expect_ok();
    run.expect_note("the foreign key (code) to p is left out: no unique constraint is over (code)")
        .expect_note("the foreign key (part) to p is left out")
        .expect_note("the foreign key (p) to p is left out: \"p\" is text, and \"id\" is bigint")
        .expect_note("the foreign key (n) to absent is left out: the file has no such table");
    let keys =
        "select string_agg(conname, ' ' order by conname) from pg_constraint where contype = 'f'";
    assert_eq!(db.target_value(keys).await, "own_p_fkey own_q_fkey");
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn a_row_that_refers_to_nothing_is_named() {
    let app = App::with(
        "pragma foreign_keys = off; create table p (id integer primary key); create table c (id integer primary key, p integer references p(id)); \
         create table w (a text, b integer references p(id), primary key (a, b)); \
         insert into p values (1); insert into c values (3, 99), (4, 1); insert into w values ('x', 98)",
    );
    let db = Pair::fresh().await;
    let run = app.sync(&db).await.expect_exit(1);
    run.expect_said("row (id) = (3) refers to a row of p that the file does not have; PRAGMA foreign_key_check lists such rows")
        .expect_said("row (a, b) = (x, 98) refers to a row of p");
    app.run("pragma foreign_keys = off; delete from c where id = 3; delete from w");
    app.sync(&db).await.expect_ok();
}

#[tokio::test]
async fn tables_of_spatialite_itself_are_left_out() {
    let app = App::with(
        "create table spatial_ref_sys (srid integer primary key, auth_name text); \
         create table geometry_columns (f_table_name text, f_geometry_column text); \
         create table geometry_columns_time (f_table_name text, last_insert timestamp default '0000-01-01T00:00:00.000Z'); \
         create table spatialite_history (event_id integer primary key); create table sql_statements_log (id integer primary key); \
         create table SpatialIndex (n integer); create table virts_geometry_columns_auth (n integer); \
         create table data_licenses (id integer primary key); create table parcel (id integer primary key, geom polygon); \
         insert into parcel values (1, x'0001')",
    );
    let db = Pair::fresh().await;
    app.sync(&db).await.expect_ok().expect_tables(&["parcel"]);
    assert_eq!(db.target_value("select geom::text from parcel").await, "\\x0001");
}

#[tokio::test]
async fn names_that_postgresql_does_not_take_fail_their_table_alone() {
    let long = "n".repeat(64);
    let app = App::with(&format!(
        "create table \"\" (id integer primary key); create table nameless (id integer primary key, \"\" text); \
         create table own (id integer primary key, ctid text); create table {long} (id integer primary key); \
         create table wide (id integer primary key, {long} text); create table item (id integer primary key); \
         insert into item values (1); insert into own values (1, 'a')"
    ));
    let db = Pair::fresh().await;
    let run = app.sync(&db).await.expect_exit(1).expect_changes("item", (1, 0, 0));
    run.expect_failed("nameless", &["without a name cannot be on the target"])
        .expect_failed("", &["without a name cannot be on the target"])
        .expect_failed(&long, &["PostgreSQL keeps 63 bytes of a name"])
        .expect_failed("wide", &["PostgreSQL keeps 63 bytes of a name"])
        .expect_failed(
            "own",
            &["has a column \"ctid\" of its own: give this one another name (rename)"],
        );
    let rule = r#"own.rename={"ctid": "place"}"#;
    let run = app.sync(&db).args(&["-include", "own", "-set", rule]).await.expect_ok();
    run.expect_changes("own", (1, 0, 0));
}
