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
    let db = Pair::fresh().await;
    for (filter, why) in [
        ("no_such_column = 1", "no such column"),
        ("random() > 0", "random may give something else"),
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
