//! `pgsync verify` of tables with rules: it compares what a run would have brought, and repairs with the same.

use crate::support::{Outcome, Pair, pgsync};

const TABLES: &str =
    "create table person (id int primary key, email text, pay numeric(10, 2), secret text,
        updated_at timestamptz not null)";

const RULES: &str = r#"{"maskKey": "env:MASK_KEY", "tables": {"person": {"where": "id < 100",
    "mask": {"email": "email"}, "excludeColumns": ["secret"], "rename": {"pay": "wage"}, "targetTable": "staff"}}}"#;

const KEY: &str = "0123456789abcdef-one";

async fn verify(db: &Pair, config: &str, args: &[&str]) -> Outcome {
    let (source, target) = (db.source_url(), db.target_url());
    let run = pgsync(&["verify", "-config", config, "-source", &source, "-target", &target]);
    run.args(args).env("MASK_KEY", KEY).await
}

#[tokio::test]
async fn rows_are_compared_and_repaired_as_rules_show_them() {
    let db = Pair::fresh().await;
    db.source(TABLES).await;
    db.target("create table staff (id int primary key, email text, wage numeric(10, 2), updated_at timestamptz not null)")
        .await;
    db.source("insert into person select i, 'zq7secret' || i || '@mail.test', i, 'zq7secret', '2024-01-01' from generate_series(1, 200) i")
        .await;
    let config = db.file("rules.json", RULES);
    db.sync().args(&["-config", &config]).env("MASK_KEY", KEY).await.expect_ok();
    let kept = "select count(*) || ' ' || max(id) || ' ' || bool_or(email like 'zq7%') from staff";
    assert_eq!(db.target_value(kept).await, "99 99 false");
    verify(&db, &config, &[]).await.expect_exit(0).expect_said("equal: 1 table");

    let masked = db.target_value("select email from staff where id = 7").await;
    db.target("update staff set email = 'other@mail.test' where id = 7; update staff set wage = wage + 1 where id = 8;
               delete from staff where id = 9; insert into staff values (150, null, 1, '2024-01-01')")
        .await;
    let run = verify(&db, &config, &["-values"]).await.expect_exit(3);
    let run = run
        .expect_said("4 rows differ (1 missing, 1 extra, 2 changed)")
        .expect_said("id = 7  changed: email");
    run.expect_said("id = 8  changed: wage").expect_said(&masked).expect_unsaid("zq7secret");
    verify(&db, &config, &["-repair"]).await.expect_exit(0).expect_unsaid("zq7secret");
    assert_eq!(db.target_value("select email from staff where id = 7").await, masked);
    assert_eq!(db.target_value(kept).await, "99 99 false");
}
