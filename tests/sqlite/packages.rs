//! An app's packages on a server with triggers of its own: the case that this source was made for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::app::App;
use crate::support::Pair;

/// As the app keeps them.
pub const FILE: &str = "
    pragma journal_mode = wal;
    create table packages (id integer primary key autoincrement, name varchar(64) unique, description text,
        link text, reason text not null, created_at timestamp default current_timestamp,
        updated_at timestamp default current_timestamp);
    create table package_categories (id integer primary key autoincrement, name varchar(64),
        parent_id integer default 0, created_at timestamp default current_timestamp,
        updated_at timestamp default current_timestamp, unique (name, parent_id));
    create table package_category_relations (id integer primary key autoincrement,
        package_id integer references packages on delete cascade,
        category_id integer references package_categories on delete cascade,
        created_at timestamp default current_timestamp, updated_at timestamp default current_timestamp);
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 300)
        insert into packages (name, description, reason) select 'package ' || i, 'it''s \"' || i, 'because' from n;
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 40)
        insert into package_categories (name, parent_id) select 'category ' || (i % 20), i / 20 from n;
    insert into package_category_relations (package_id, category_id)
        select p.id, c.id from packages p join package_categories c on (p.id + c.id) % 7 = 0;
";

/// As they are on the server, with three triggers of one name, one of which cannot work.
pub const TARGET: &str = "
    create table packages (id bigserial primary key, name varchar(64) unique, description text, link text,
        reason text not null, created_at timestamp default current_timestamp,
        updated_at timestamp default current_timestamp);
    create table package_categories (id bigserial primary key, name varchar(64), parent_id integer default 0,
        created_at timestamp default current_timestamp, updated_at timestamp default current_timestamp,
        unique (name, parent_id));
    create table package_category_relations (id bigserial primary key,
        package_id bigint references packages on delete cascade,
        category_id bigint references package_categories on delete cascade,
        created_at timestamp default current_timestamp, updated_at timestamp default current_timestamp);
    create function touch_packages() returns trigger language plpgsql as
        'begin new.updated_at = current_timestamp; return new; end';
    create function touch_categories() returns trigger language plpgsql as
        'begin new.updated_at = current_timestamp; return new; end';
    create function touch_relations() returns trigger language plpgsql as
        'begin new.updated = current_timestamp; return new; end';
    create trigger update_updated_at_trigger before update on packages
        for each row execute procedure touch_packages();
    create trigger update_updated_at_trigger before update on package_categories
        for each row execute procedure touch_categories();
    create trigger update_updated_at_trigger after update on package_category_relations
        for each row execute procedure touch_relations();
";

pub const TABLES: [&str; 3] = ["packages", "package_categories", "package_category_relations"];

/// All rows of a table of the file, as text.
pub fn rows_of(file: &Connection, table: &str) -> Vec<String> {
    let mut statement =
        file.prepare(&format!("select * from {table} order by id")).expect("a table");
    let columns = statement.column_count();
    let text = |row: &rusqlite::Row<'_>| {
        let value = |place| match row.get_ref(place)? {
            rusqlite::types::ValueRef::Null => Ok("∅".to_owned()),
            rusqlite::types::ValueRef::Integer(number) => Ok(number.to_string()),
            value => Ok(value.as_str()?.to_owned()),
        };
        (0..columns).map(value).collect::<rusqlite::Result<Vec<_>>>()
    };
    let rows = statement.query_map([], text).expect("rows");
    rows.map(|row| row.expect("a row").join("|")).collect()
}

pub async fn rows_on_target(db: &Pair, table: &str) -> Vec<String> {
    let columns = match table {
        "packages" => "id, name, description, link, reason, created_at, updated_at",
        "package_categories" => "id, name, parent_id, created_at, updated_at",
        _ => "id, package_id, category_id, created_at, updated_at",
    };
    let values: Vec<String> =
        columns.split(", ").map(|column| format!("coalesce({column}::text, '∅')")).collect();
    let text = format!(
        "select coalesce(string_agg(concat_ws('|', {}), E'\\x01' order by id), '') from {table}",
        values.join(", ")
    );
    let all = db.target_value(&text).await;
    all.split('\u{1}').filter(|row| !row.is_empty()).map(str::to_owned).collect()
}

async fn assert_same(db: &Pair, file: &Connection) {
    for table in TABLES {
        assert_eq!(rows_on_target(db, table).await, rows_of(file, table), "{table}");
    }
}

/// Inserts, updates, deletes and swaps of unique names, each a commit.
const CHANGES: [&str; 6] = [
    "insert into packages (name, reason) values ('new ' || ?1, 'why not')",
    "update packages set description = 'changed ' || ?1, updated_at = current_timestamp where id = 1 + ?1 % 300",
    "delete from packages where id = 1 + (?1 * 37) % 300",
    "update package_categories set name = 'category x' || ?1 where id = 1 + ?1 % 40",
    "insert into package_category_relations (package_id, category_id) select max(id), 1 + ?1 % 40 from packages",
    "delete from package_category_relations where id = (?1 * 13) % 900",
];

/// Two packages change their names, which are unique: what has to be done for that in one transaction.
pub fn swapped(number: u64) -> String {
    let (one, two) = (1 + number % 150, 151 + number % 150);
    format!(
        "create temp table if not exists names (id, name); delete from names;
         insert into names select id, name from main.packages where id in ({one}, {two});
         update packages set name = 'aside ' || id where id in ({one}, {two});
         update packages set name = (select n.name from names n where n.id = {one} + {two} - packages.id)
             where id in (select id from names) and (select count(*) from names) = 2;
         update packages set name = (select n.name from names n where n.id = packages.id)
             where id in (select id from names) and (select count(*) from names) < 2"
    )
}

fn swap(file: &Connection, number: u64) {
    file.execute_batch(&format!("begin immediate; {}; commit", swapped(number))).expect("a swap");
}

/// Writes as the app does, 200 commits a second, until it is told to stop.
fn write(path: std::path::PathBuf, stop: Arc<AtomicBool>, commits: Arc<AtomicU64>) {
    let file = Connection::open(path).expect("a file");
    file.busy_timeout(Duration::from_secs(20)).expect("a timeout");
    file.execute_batch("pragma synchronous = normal; pragma foreign_keys = on").expect("settings");
    let begun = Instant::now();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        if number % 10 == 0 {
            swap(&file, number);
        } else {
            file.execute(CHANGES[number as usize % CHANGES.len()], [number as i64])
                .expect("a change");
        }
        commits.store(number, Ordering::Relaxed);
        let due = Duration::from_millis(number * 5);
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
    }
}

#[tokio::test]
async fn packages_follow_their_app_while_it_writes() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    app.sync(&db).await.expect_ok();
    assert_same(&db, &app.open()).await;
    app.sync(&db).await.expect_unchanged();

    let (stop, commits) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (path, told, counted) = (app.path(), stop.clone(), commits.clone());
    let writer = std::thread::spawn(move || write(path, told, counted));
    for _ in 0..4 {
        let before = commits.load(Ordering::Relaxed);
        app.sync(&db).await.expect_ok();
        assert!(commits.load(Ordering::Relaxed) > before, "the app wrote on");
        // Of one moment: no relation without its ends.
        let dangling = "select count(*)::text from package_category_relations r \
                        left join packages p on p.id = r.package_id \
                        left join package_categories c on c.id = r.category_id \
                        where p.id is null or c.id is null";
        assert_eq!(db.target_value(dangling).await, "0");
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().expect("the writer ends");
    app.sync(&db).await.expect_ok();
    assert_same(&db, &app.open()).await;
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn unique_names_are_swapped() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    app.sync(&db).await.expect_ok();
    (0..5).for_each(|number| swap(&app.open(), number));
    app.run(
        "delete from packages where id between 20 and 30; \
         insert into packages (id, name, reason) values (25, 'again', 'anew'); \
         update package_categories set parent_id = parent_id - 100; \
         update package_categories set parent_id = -99 - parent_id;",
    );
    app.sync(&db).await.expect_ok();
    assert_same(&db, &app.open()).await;
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn numbers_go_on_after_those_of_the_file() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    app.sync(&db).await.expect_ok();
    db.target("insert into packages (name, reason) values ('of the server', 'so')").await;
    assert_eq!(db.target_value("select max(id)::text from packages").await, "301");
}

#[tokio::test]
async fn a_file_that_takes_the_place_of_another_is_compared() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    app.sync(&db).await.expect_ok();
    let other = App::with(FILE);
    other.run("update packages set description = 'of another file' where id > 290; delete from packages where id < 5");
    std::fs::rename(other.path(), app.path()).expect("a file can be renamed over another");
    app.sync(&db).await.expect_ok();
    assert_same(&db, &app.open()).await;
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn runs_that_are_killed_lose_nothing() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    for number in 0..20_u64 {
        app.run(&format!(
            "update packages set description = 'before kill {number}' where id % 3 = 0"
        ));
        let run = app.sync(&db).start();
        tokio::time::sleep(Duration::from_millis(20 + number * 25)).await;
        run.signal("KILL");
        drop(run);
    }
    app.sync(&db).await.expect_ok();
    assert_same(&db, &app.open()).await;
    app.sync(&db).await.expect_unchanged();
}
