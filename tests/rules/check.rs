//! `pgsync mask check` and `pgsync mask preview`, and what is tried before the first row leaves.

use crate::support::{Pair, Sync, pgsync};

const KEY: &str = "0123456789abcdef-one";

/// Values that are to stay where they are.
const SECRET: &str = "zq7secret";

async fn filled() -> Pair {
    let db = Pair::with(
        "create table person (id int primary key, email text, name text, age int, net cidr, doc jsonb, note text,
           updated_at timestamptz not null default now())",
    )
    .await;
    db.source(&format!(
        "insert into person select i, '{SECRET}' || i || '@mail.test', '{SECRET} ' || i, 20 + i % 60, '10.0.0.0/16',
           jsonb_build_object('a', '{SECRET}' || i), '{SECRET}', '2024-01-01' from generate_series(1, 300) i"
    ))
    .await;
    db
}

fn config(db: &Pair, masks: &str) -> String {
    db.file(
        "check.json",
        &format!(
            "{{\"maskKey\": \"env:MASK_KEY\", \"tables\": {{\"person\": {{\"mask\": {{{masks}}}}}}}}}"
        ),
    )
}

fn check<'a>(db: &'a Pair, masks: &str) -> Sync<'a> {
    let config = config(db, masks);
    let (source, target) = (db.source_url(), db.target_url());
    pgsync(&["mask", "check", "-source", &source, "-target", &target, "-config", &config])
        .env("MASK_KEY", KEY)
}

fn sync<'a>(db: &'a Pair, masks: &str) -> Sync<'a> {
    db.sync().args(&["-config", &config(db, masks)]).env("MASK_KEY", KEY)
}

const ALL: &str = r#""email": "email", "name": "name.full", "net": "ip", "doc": {"json": {"$.a": "text"}}, "note": "redact""#;

#[tokio::test]
async fn a_check_says_that_nothing_is_wrong_and_writes_nothing() {
    let db = filled().await;
    let marks = db.target_marks_of_all().await;
    let said = check(&db, ALL).await.expect_exit(0);
    assert_eq!(said.stdout, "the rules of 1 table and 5 masked columns are right\n");
    assert_eq!(db.target_marks_of_all().await, marks);
    assert_eq!(db.target_value("select to_regclass('public.sync_log')").await, "null");
}

#[tokio::test]
async fn a_column_that_a_misspelt_mask_means_is_not_offered_to_travel() {
    let db = filled().await;
    let said = check(&db, &ALL.replace("\"email\": \"email\"", "\"emial\": \"email\"")).await;
    let said = said.expect_exit(2).expect_said("no column \"emial\"; did you mean \"email\"?");
    drop(said.expect_unsaid("\"keep\""));
}

#[tokio::test]
async fn a_check_with_a_key_and_without_a_mask_says_so() {
    let db = filled().await;
    let said = check(&db, "").await.expect_exit(0);
    assert_eq!(said.stdout, "the rules of 1 table and 0 masked columns are right\n");
    said.expect_said("there is a maskKey, and no column of the selected tables has a mask");
    check(&db, ALL).await.expect_exit(0).expect_unsaid("there is a maskKey");
}

#[tokio::test]
async fn a_mask_on_a_column_that_both_sides_compute_is_a_problem() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.both("create table person (id int primary key, name text, loud text generated always as (upper(name)) stored)")
        .await;
    let masks = r#""name": "name.full", "loud": "name.full""#;
    let text = "/tables/person/mask/loud: loud of public.person is generated, also on the target, which computes it from \
                what arrives: take its mask out";
    check(&db, masks).await.expect_exit(2).expect_said(text);
    sync(&db, masks).await.expect_exit(2).expect_said(text);
    sync(&db, r#""name": "name.full""#).await.expect_ok();
}

#[tokio::test]
async fn a_check_prints_all_problems_at_once() {
    let db = filled().await;
    db.both("create function fresh(text) returns text stable language sql as 'select $1 || now()::text'").await;
    db.both("alter table person add constraint known check (email like '%@mail.test')").await;
    db.target("alter table person add constraint short check (char_length(name) < 3)").await;
    let masks = r#""email": "email", "name": "name.full", "age": {"sql": "case when id > 5 then age else 1 end"},
        "doc": {"sql": "case when id > 0 then doc end"}, "note": {"sql": "fresh(note)"}, "id": "email""#;
    let said = check(&db, masks).await.expect_exit(2);
    for text in [
        "/tables/person/mask/age: the mask changes nothing in 295 of 300 values of age",
        "/tables/person/mask/doc: the mask changes nothing in 300 of 300 values of doc",
        "the mask \"email\" does not suit id",
        "pgsync: a table has columns with neither a mask nor a keep: give personal columns a mask (docs/masking.md lists the masks); \
         for columns that may travel as they are, merge this into the config file:\n  \"tables\": {\"public.person\": {\"keep\": [\"net\"]}}\n",
    ] {
        assert!(said.stderr.contains(text), "{text}: {said}");
    }
    assert!(!format!("{said}").contains(SECRET), "{said}");
    let masks =
        r#""email": "email", "name": "name.full", "net": "null", "doc": "empty", "note": "redact""#;
    let said = check(&db, masks).await.expect_exit(2);
    for text in [
        "mask/email: the check constraint \"known\" of public.person does not hold for 300 of 300 masked rows",
        "mask/name: the check constraint \"short\" of public.person on the target does not hold for 300 of 300",
    ] {
        assert!(said.stderr.contains(text), "{text}: {said}");
    }
    // A run says the same, and has written nothing.
    let run = sync(&db, masks).await.expect_exit(2);
    assert!(run.stdout.contains("check constraint \\\"short\\\""), "{run}");
    assert_eq!(db.target_value("select count(*) from person").await, "0");
}

#[tokio::test]
async fn a_mask_that_does_not_suit_a_key_is_told_once_and_not_for_what_refers_to_it() {
    let db = Pair::with(
        "create table a_pet (id int primary key, of int); create table person (id int primary key);
         create table z_pet (id int primary key, of int references person);
         alter table a_pet add foreign key (of) references person",
    )
    .await;
    let said = check(&db, r#""id": "email""#).await.expect_exit(2);
    assert_eq!(said.stderr.matches("does not suit").count(), 1, "{said}");
    assert!(said.stderr.contains("does not suit id of public.person, which is integer"), "{said}");
}

#[tokio::test]
async fn an_expression_that_reads_the_clock_on_some_way_is_found() {
    let db = filled().await;
    db.source("create function fresh(text) returns text stable language sql as 'select $1 || now()::text'").await;
    let masks = r#""email": "email", "name": "name.full", "net": "null", "doc": "empty", "note": {"sql": "fresh(note)"}"#;
    let said = check(&db, masks).await.expect_exit(2);
    assert!(said.stderr.contains("mask/note: the expression is not deterministic"), "{said}");
}

#[tokio::test]
async fn a_constraint_is_tried_where_its_table_is_still_to_be_made() {
    let db = Pair::fresh().await;
    db.source(
        "create table person (id int primary key, email text check (email like '%@mail.test'));
         insert into person select i, i || '@mail.test' from generate_series(1, 20) i",
    )
    .await;
    let said = check(&db, r#""email": "email""#).await.expect_exit(2);
    assert!(said.stderr.contains("does not hold for 20 of 20 masked rows"), "{said}");
    check(&db, r#""email": {"value": "x@mail.test"}"#).await.expect_exit(0);
}

#[tokio::test]
async fn a_preview_shows_masked_rows_and_reads_nothing_that_nobody_decided_about() {
    let db = filled().await;
    let config = config(&db, r#""email": "email", "name": "name.full", "doc": "empty""#);
    let source = db.source_url();
    let preview = |more: &[&str]| {
        let args = ["mask", "preview", "person", "-source", &source, "-config", &config];
        pgsync(&args).args(more).env("MASK_KEY", KEY)
    };
    let said = preview(&["-limit", "3"]).await.expect_exit(0);
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(lines.len(), 5, "{said}");
    assert!(lines[0].starts_with("id  email") && lines[1].contains("@example.com"), "{said}");
    assert_eq!(lines[4], "not shown, for neither masked nor kept: net, note");
    assert!(!format!("{said}").contains(SECRET), "{said}");
    let args = ["mask", "preview", "persn", "-source", &source, "-config", &config];
    let said = pgsync(&args).env("MASK_KEY", KEY).await.expect_exit(2);
    assert!(said.stderr.contains("did you mean \"person\"?"), "{said}");
    preview(&["-limit", "0"]).await.expect_exit(2);
    let patterned = preview(&["-limit", "3", "-schema", "publ*"]).await.expect_exit(0);
    assert_eq!(patterned.stdout, preview(&["-limit", "3"]).await.expect_exit(0).stdout);
}

#[tokio::test]
async fn a_child_inherits_its_mask_from_a_parent_that_takes_no_part() {
    let db = Pair::with(
        "create table parent (code uuid primary key);
         create table child (id int primary key, code uuid references parent)",
    )
    .await;
    db.both("alter table child drop constraint child_code_fkey").await;
    db.source(
        "alter table child add constraint child_code_fkey foreign key (code) references parent",
    )
    .await;
    db.source("insert into parent select md5(i::text)::uuid from generate_series(1, 9) i; insert into child select i, md5(i::text)::uuid from generate_series(1, 9) i").await;
    let rules = r#"{"maskKey": "env:MASK_KEY", "tables": {"parent": {"mask": {"code": "uuid"}}}}"#;
    let config = db.file("parent.json", rules);
    let run = || {
        db.sync().include("child").args(&["-config", &config, "-ddl", "none"]).env("MASK_KEY", KEY)
    };
    run().await.expect_ok();
    let raw = "select count(*) from child where code = md5(id::text)::uuid";
    assert_eq!(db.target_value(raw).await, "0");
}

#[tokio::test]
async fn a_table_that_inherits_from_another_has_its_masks() {
    let db = Pair::fresh().await;
    db.source(
        "create table person (id int primary key, born date);
         create table patient (primary key (id), doctor int) inherits (person);
         insert into person values (1, '1980-05-05'); insert into patient values (2, '1981-06-06', 3)",
    )
    .await;
    sync(&db, r#""born": "date.year""#).await.expect_ok();
    let born = "select string_agg(born::text, ' ' order by id) from person";
    assert_eq!(db.target_value(born).await, "1980-01-01 1981-01-01");
}

#[tokio::test]
async fn a_constraint_of_the_target_is_tried_by_a_role_that_may_make_no_temporary_table() {
    let db = Pair::with(
        "create table person (id int primary key, email text, name varchar(40), doc jsonb, tags text[], size numeric(5, 2))",
    )
    .await;
    db.source(&format!(
        "insert into person select i, '{SECRET}' || i || '@mail.test', 'a \"quoted\" \\ name, ' || i,
           '{{\"a\": [1, \"x\"]}}', array['a,b', null, 'c\"d'], 1.5 from generate_series(1, 1500) i"
    ))
    .await;
    db.target(
        "alter table person add constraint short check (char_length(email) < 10);
         alter table person add constraint fine check (email like 'u%' and size > 1 and doc ? 'a' and cardinality(tags) = 3
           and name like 'a \"quoted\" \\\\ name, %')",
    )
    .await;
    let role = db.target_writer().await;
    db.target(&format!("revoke temporary on database {} from public", db.name)).await;
    let rules = r#"{"maskKey": "env:MASK_KEY", "tables": {"person": {"mask": {"email": "email"}, "keep": ["name", "doc", "tags"]}}}"#;
    let config = db.file("without.json", rules);
    let sync = || db.sync().target_role(&role).args(&["-config", &config]).env("MASK_KEY", KEY);
    let run = sync().plain().await.expect_exit(2);
    let told = "mask/email: the check constraint \"short\" of public.person on the target does not hold for 1000 of 1000";
    assert!(run.stderr.contains(told), "{run}");
    assert!(!run.stderr.contains("\"fine\"") && !format!("{run}").contains(SECRET), "{run}");
    assert_eq!(db.target_value("select count(*) from person").await, "0");
    db.target("alter table person drop constraint short").await;
    sync().await.expect_ok();
}

#[tokio::test]
async fn a_table_that_may_not_be_read_fails_alone_and_is_named_with_its_grant() {
    let db =
        Pair::with("create schema shop; create table shop.person (id int primary key, email text)")
            .await;
    let reader = db.source_reader().await;
    db.source(&format!("revoke select on shop.person from {}", reader.name)).await;
    let grant = format!("grant select on shop.person to {}", reader.name);
    // What was to be masked once is not read without a mask.
    for rule in [r#""where": "id > 1""#, r#""mask": {"email": "email"}"#] {
        let text = format!(
            "{{\"maskKey\": \"env:MASK_KEY\", \"tables\": {{\"shop.person\": {{{rule}}}}}}}"
        );
        let config = db.file("denied.json", &text);
        let run = db.sync().schema("shop").source_role(&reader).args(&["-config", &config]);
        let run = run.env("MASK_KEY", KEY).await.expect_exit(1);
        run.expect_failed("shop.person", &["permission denied for table person", &grant]);
    }
}

#[tokio::test]
async fn a_table_whose_rows_are_hidden_fails_alone_whatever_its_rule() {
    let db = Pair::with(
        "create table person (id int primary key, email text); create table other (id int primary key)",
    )
    .await;
    let reader = db.source_reader().await;
    db.source("insert into other values (1); alter table person enable row level security").await;
    let bypass = format!("run there as a superuser: alter role {} bypassrls", reader.name);
    for rule in [r#""where": "id > 1""#, r#""mask": {"email": "email"}"#] {
        let text =
            format!("{{\"maskKey\": \"env:MASK_KEY\", \"tables\": {{\"person\": {{{rule}}}}}}}");
        let config = db.file("hidden.json", &text);
        for args in [&["-dry-run"][..], &[]] {
            let run = db.sync().source_role(&reader).args(&["-config", &config]).args(args);
            let run = run.env("MASK_KEY", KEY).await.expect_exit(1);
            run.expect_failed("person", &["row-level security", &bypass]);
        }
    }
    db.assert_same("other").await;
}

#[tokio::test]
async fn columns_that_nobody_decided_about_are_listed_once_and_a_table_a_line() {
    let db = Pair::with(
        "create table person (id int primary key, email text, doc jsonb); create table note (id int primary key, body text)",
    )
    .await;
    let text = r#"{"maskKey": "env:MASK_KEY", "tables": {"person": {"mask": {"email": "email"}}}}"#;
    let config = db.file("open.json", text);
    let (source, target) = (db.source_url(), db.target_url());
    let args = ["mask", "check", "-source", &source, "-target", &target, "-config", &config];
    let run = pgsync(&args).env("MASK_KEY", KEY).await.expect_exit(2);
    let told = r#"pgsync: 2 tables have columns with neither a mask nor a keep: give personal columns a mask (docs/masking.md lists the masks); if you need only some tables, name these: "includeTables": ["…"]; for columns that may travel as they are, merge this into the config file:
  "tables": {"public.note": {"keep": ["body"]},
    "public.person": {"keep": ["doc"]}}
"#;
    assert_eq!(run.stderr, told);
}

#[tokio::test]
async fn what_a_filter_may_not_read_fails_its_table_alone() {
    let db = Pair::with(
        "create table users (id int primary key); create table orders (id int primary key, owner int);
         create table other (id int primary key)",
    )
    .await;
    let reader = db.source_reader().await;
    db.source("insert into users values (1); insert into orders values (1, 1), (2, 2); insert into other values (1)").await;
    db.source(&format!("revoke select on users from {}", reader.name)).await;
    let rules =
        r#"{"tables": {"orders": {"where": "owner in (select u.id from public.users u)"}}}"#;
    let config = db.file("filter.json", rules);
    let sync =
        || db.sync().source_role(&reader).exclude("users").args(&["-config", &config]).no_overlap();
    let run = sync().await.expect_exit(1);
    let grant = format!("grant select on table public.users to {}", reader.name);
    let run = run.expect_failed(
        "orders",
        &[
            "source while trying the expressions of rules: permission denied for table users",
            &grant,
        ],
    );
    run.expect_changes("other", (1, 0, 0));
    db.source(&grant).await;
    sync().await.expect_ok().expect_changes("orders", (1, 0, 0));
}

#[tokio::test]
async fn who_locks_a_table_whose_rules_are_tried_is_named() {
    let db =
        Pair::with("create table person (id int primary key, email text); create table other (id int primary key)")
            .await;
    db.source("insert into person values (1, 'a@mail.test'); insert into other values (1)").await;
    let rules =
        r#"{"maskKey": "env:MASK_KEY", "tables": {"person": {"mask": {"email": "email"}}}}"#;
    let config = db.file("locked.json", rules);
    let blocker = db.source_session().await;
    blocker.run("begin; lock table person in access exclusive mode").await;
    let sync = || {
        let sync = db.sync().while_writing().args(&["-config", &config, "-lock-timeout", "1s"]);
        sync.env("MASK_KEY", KEY)
    };
    let run = sync().await.expect_exit(1);
    let run = run.expect_failed(
        "person",
        &["holds a lock on public.person", "run on the source", "pg_terminate_backend("],
    );
    run.expect_changes("other", (1, 0, 0));
    blocker.run("rollback").await;
    sync().await.expect_ok().expect_changes("person", (1, 0, 0));
}

#[tokio::test]
async fn a_constraint_is_tried_though_another_column_is_too_narrow_for_its_mask() {
    let db = Pair::fresh().await;
    db.source("create table person (id int primary key, born date, email text); insert into person select i, '1990-01-05', 'a' || i from generate_series(1, 50) i")
        .await;
    db.target("create table person (id int primary key, born date constraint grown check (born > '1990-01-02'), email varchar(8))")
        .await;
    let masks = r#""born": "date.year", "email": "email""#;
    let told = "mask/born: the check constraint \"grown\" of public.person on the target does not hold for 50 of 50 masked rows";
    drop(check(&db, masks).await.expect_exit(2).expect_said(told));
    drop(sync(&db, masks).plain().arg("-dry-run").await.expect_exit(2).expect_said(told));
    let role = db.target_writer().await;
    db.target(&format!("revoke temporary on database {} from public", db.name)).await;
    drop(sync(&db, masks).plain().arg("-dry-run").target_role(&role).await.expect_said(told));
}

#[tokio::test]
async fn what_masked_values_break_is_not_told_of_the_source() {
    let db = Pair::with("create table person (id int primary key, born date, code int)").await;
    db.source("insert into person select i, case when i > 1200 then date '1990-01-05' else '1995-02-02' end, i from generate_series(1, 1500) i")
        .await;
    db.target("alter table person add constraint grown check (born > '1990-01-02')").await;
    let told = format!(
        "only the target has this constraint, and masked values break it: choose another mask ({}: /tables/person/mask/born), or run \
         on the target: alter table public.person drop constraint grown",
        config(&db, r#""born": "date.year""#)
    );
    let run = sync(&db, r#""born": "date.year""#).await.expect_exit(1);
    run.expect_failed("person", &[&told]);
}

#[tokio::test]
async fn a_left_out_column_that_has_another_name_now_is_told_with_that_name() {
    let db = Pair::with("create table person (id int primary key, born date)").await;
    let sync = |columns: &str| {
        db.sync().plain().args(&["-set", &format!("person.excludeColumns={columns}")])
    };
    db.target("alter table person drop born").await;
    db.source("alter table person rename born to birth").await;
    let told = "public.person has no column \"born\"; new on the source is birth: if that is its new name, give that here";
    drop(sync("born").await.expect_exit(2).expect_said(told));
    let told = "-set person.excludeColumns: the rows of public.person are found by \"id\", so it travels all the same: take it out here, and \
                mask it if nobody may see its values";
    drop(sync("id,birth").await.expect_exit(2).expect_said(told));
    drop(sync("birth").await.expect_exit(0));
    let said = sync("ib").await.expect_exit(2).expect_said("no column \"ib\"");
    drop(said.expect_unsaid("did you mean"));
}
