//! Names with a line feed, behind which stands a statement: whoever owns a source may name a table so, and on the
//! target it is nothing but a name.

use crate::support::{Pair, pgsync};

/// What would be created if the name left its quotes or its comment.
const MADE: &str = "create table made (); --";

/// A name of a kind of thing, as SQL.
fn named(kind: &str) -> String {
    format!("\"{kind}\n{MADE}\"")
}

async fn holding() -> Pair {
    let db = Pair::fresh().await;
    let [schema, table, column] = ["schema", "table", "column"].map(named);
    let [kind, domain, function, sequence, index, check, key, child, part] =
        ["type", "domain", "function", "sequence", "index", "check", "key", "child", "part"]
            .map(named);
    db.source(&format!(
        "create schema {schema}; create type {schema}.{kind} as enum ('one\n{MADE}');
         create domain {schema}.{domain} as int constraint {check} check (value > 0);
         create function {schema}.{function}(int) returns int language sql immutable as 'select $1';
         create sequence {schema}.{sequence};
         create table {schema}.{table} ({column} int primary key default nextval('{schema}.{sequence}'), k {schema}.{kind},
           d {schema}.{domain}, constraint {check} check ({schema}.{function}({column}) > 0));
         create index {index} on {schema}.{table} (d, {schema}.{function}(d));
         create table {schema}.{child} (id int primary key, p int constraint {key} references {schema}.{table});
         create table {schema}.parts (id int primary key) partition by list (id);
         create table {schema}.{part} partition of {schema}.parts default;
         insert into {schema}.{table} values (1, 'one\n{MADE}', 1); insert into {schema}.{child} values (1, 1);
         insert into {schema}.parts values (1)"
    ))
    .await;
    db
}

async fn expect_nothing_made(db: &Pair) {
    let made = "select count(*) from pg_class where relname = 'made'";
    assert_eq!(db.target_value(made).await, "0");
    assert_eq!(db.source_value(made).await, "0");
}

#[tokio::test]
async fn are_nothing_but_names() {
    let db = holding().await;
    let sync = || db.sync().schema("*");
    sync().await.expect_ok();
    expect_nothing_made(&db).await;
    sync().await.expect_ok().expect_unchanged();
    sync().arg("-reconcile").await.expect_ok().expect_unchanged();
    for command in ["verify", "schema"] {
        let urls = ["-source", &db.source_url(), "-target", &db.target_url(), "-schema", "*"];
        pgsync(&[command]).args(&urls).await.expect_exit(0);
    }
    pgsync(&["status", "-target", &db.target_url()]).await.expect_exit(0);
    expect_nothing_made(&db).await;
    let [schema, table, child, part, moved, extra] =
        ["schema", "table", "child", "part", "moved", "extra"].map(named);
    db.source(&format!(
        "alter table {schema}.{table} add column {extra} text default 'x'; alter table {schema}.{child} rename to {moved};
         alter table {schema}.parts detach partition {schema}.{part}"
    ))
    .await;
    for ddl in ["additive", "reset"] {
        sync().args(&["-ddl", ddl, "-dry-run"]).await;
        sync().args(&["-ddl", ddl]).await;
        expect_nothing_made(&db).await;
    }
    db.source(&format!("drop schema {schema} cascade; create table last (id int primary key)"))
        .await;
    sync().await.expect_ok();
    expect_nothing_made(&db).await;
}
