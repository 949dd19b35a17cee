//! `mask`: what arrives in place of values, what is refused before the first row leaves, and what nobody gets
//! to see.

use crate::support::{Pair, Sync, pgsync};

const KEY: &str = "0123456789abcdef-one";
const OTHER: &str = "0123456789abcdef-two";

/// Values that are to stay where they are.
const SECRET: &str = "zq7secret";

const PEOPLE: &str = "create table person (id int primary key, email text not null unique, name text, phone varchar(40),
       born date, pay numeric(10, 2), address inet, home jsonb, note text, code uuid, card text,
       updated_at timestamptz not null default now());
     create table letter (id int primary key, person_email text references person (email), body text,
       updated_at timestamptz not null default now())";

const MASKS: &str = r#""tables": {
    "person": {"mask": {"email": "email", "name": "name.full", "phone": "phone", "born": {"date.shift": {"days": 30}},
        "pay": {"number.noise": 0.2}, "address": "ip", "home": {"json": {"$.street": "text", "$.deep.mail": "email"}},
        "note": "redact", "code": "uuid", "card": "card"}},
    "letter": {"mask": {"body": "lorem"}}}"#;

async fn filled() -> Pair {
    let db = Pair::with(PEOPLE).await;
    db.source(&format!(
        "insert into person select i, '{SECRET}' || i || '@mail.test', '{SECRET} name ' || i, '+49 171 ' || 1000000 + i,
           '1980-01-01'::date + i, 1000 + i, '10.1.2.3'::inet + i,
           jsonb_build_object('street', '{SECRET} street ' || i, 'deep', jsonb_build_object('mail', '{SECRET}@x.test'), 'n', i),
           '{SECRET} note', md5(i::text)::uuid, '4111111111111111', '2024-01-01'::timestamptz + i * interval '1 minute'
         from generate_series(1, 200) i;
         insert into letter select i, case when i % 5 > 0 then '{SECRET}' || i || '@mail.test' end, '{SECRET} body',
           '2024-01-01' from generate_series(1, 200) i"
    ))
    .await;
    db
}

fn masked<'a>(db: &'a Pair, rules: &str, key: &str) -> Sync<'a> {
    let config = db.file("masks.json", &format!("{{\"maskKey\": \"env:MASK_KEY\", {rules}}}"));
    db.sync().args(&["-config", &config]).env("MASK_KEY", key).no_overlap()
}

fn verify<'a>(db: &'a Pair, rules: &str, key: &str) -> Sync<'a> {
    let config = db.file("masks.json", &format!("{{\"maskKey\": \"env:MASK_KEY\", {rules}}}"));
    let (source, target) = (db.source_url(), db.target_url());
    let run = pgsync(&["verify", "-config", &config, "-source", &source, "-target", &target]);
    run.env("MASK_KEY", key)
}

#[tokio::test]
async fn masked_values_arrive_and_stay_until_they_change() {
    let db = filled().await;
    masked(&db, MASKS, KEY).await.expect_ok().expect_changes("person", (200, 0, 0));
    let target = |sql: &'static str| {
        let db = &db;
        async move { db.target_value(sql).await }
    };
    assert_eq!(
        target(
            "select count(*) from person where row(person)::text ~ 'zq7secret|4111111111111111'"
        )
        .await,
        "0"
    );
    assert_eq!(
        target("select count(*) from letter where row(letter)::text ~ 'zq7secret'").await,
        "0"
    );
    assert_eq!(
        target(
            "select count(*) from person where email ~ '^u[0-9a-f]{24}@example[.]com$' and name ~ '^[A-Z][a-z]+ [A-Z][a-z]+$' \
             and phone ~ '^[+][0-9]{2} [0-9]{3} [0-9]{7}$' and born <> '1980-01-01'::date + id and abs(born - '1980-01-01'::date - id) <= 30 \
             and pay between 0.8 * (1000 + id) and 1.2 * (1000 + id) and address <<= '10.1.0.0/16' and home ->> 'n' = id::text \
             and home #>> '{deep,mail}' ~ '@example.com$' and note = 'redacted' and code <> md5(id::text)::uuid and card ~ '^400000[0-9]{10}$'"
        )
        .await,
        "200"
    );
    // Foreign keys have the masks of what they refer to, so that joins hold.
    let joined =
        "select count(*) from letter l join person p on p.email = l.person_email and p.id = l.id";
    assert_eq!(db.target_value(joined).await, db.source_value(joined).await);
    masked(&db, MASKS, KEY).await.expect_unchanged();
    db.source("update person set note = 'other', name = name || 'x', updated_at = now() where id = 7; delete from letter where id = 9")
        .await;
    let changed = masked(&db, MASKS, KEY).await.expect_ok();
    changed
        .expect_changes("person", (0, 1, 0))
        .expect_changes("letter", (0, 0, 1))
        .expect_strategy("person", "incremental");
    masked(&db, MASKS, KEY).arg("-reconcile").await.expect_unchanged();
}

/// More rows than a look digests: values and hashes come from one reading.
#[tokio::test]
async fn many_masked_changes_arrive_and_are_settled() {
    let db = filled().await;
    masked(&db, MASKS, KEY).await.expect_ok();
    db.source("insert into letter select i, null, 'zq7secret body', now() from generate_series(1000, 4000) i")
        .await;
    masked(&db, MASKS, KEY)
        .await
        .expect_ok()
        .expect_strategy("letter", "incremental")
        .expect_changes("letter", (3001, 0, 0));
    db.source("update letter set body = body || id, updated_at = now() where id >= 1500").await;
    masked(&db, MASKS, KEY)
        .await
        .expect_ok()
        .expect_strategy("letter", "incremental")
        .expect_changes("letter", (0, 2501, 0));
    masked(&db, MASKS, KEY).arg("-reconcile").await.expect_unchanged();
}

#[tokio::test]
async fn what_was_masked_and_cannot_be_read_any_more_is_refused() {
    let db = filled().await;
    masked(&db, MASKS, KEY).await.expect_ok();
    let marks = db.target_marks("person").await;
    let broken =
        db.target_value("select count(*) from sync_log where fingerprint like '%/masked [%'").await;
    assert_ne!(broken, "0");
    db.target("update sync_log set fingerprint = replace(fingerprint, ']', '')").await;
    db.sync()
        .await
        .expect_exit(5)
        .expect_refused("person", &["an earlier run masked columns", "-force"]);
    assert_eq!(db.target_marks("person").await, marks);
    masked(&db, MASKS, KEY).await.expect_exit(5);
    masked(&db, MASKS, KEY).arg("-force").await.expect_ok();
    masked(&db, MASKS, KEY).await.expect_unchanged();
}

#[tokio::test]
async fn another_key_changes_all_masked_rows_and_only_them() {
    let db = filled().await;
    db.both("create table country (id int primary key, code int)").await;
    db.source("insert into country values (1, 2)").await;
    let rules = r#""tables": {"person": {"mask": {"email": "email", "name": "null"}, "keep": ["phone", "address", "home", "note", "card"]},
        "letter": {"mask": {"body": {"hash": 12}}}}"#;
    masked(&db, rules, KEY).await.expect_ok();
    let marks = db.target_marks("country").await;
    let said = "warning: the mask key is not the one of the last run, so masked values";
    masked(&db, rules, KEY).await.expect_unchanged().expect_unsaid("mask key");
    let dry = masked(&db, rules, OTHER).args(&["-dry-run"]).await;
    dry.expect_exit(0).expect_said(&format!("{said} would change"));
    let verified = verify(&db, rules, OTHER).await.expect_exit(3);
    verified
        .expect_said(&format!("{said} differ: verify with the key of the last run"))
        .expect_unsaid("to make them equal");
    let run = masked(&db, rules, OTHER).args(&["-quiet"]).await.expect_ok();
    run.expect_said(&format!("{said} change"));
    assert_eq!(db.target_marks("country").await, marks);
    masked(&db, rules, OTHER).await.expect_unchanged().expect_unsaid("mask key");
}

#[tokio::test]
async fn a_column_that_nobody_thought_of_stops_the_run() {
    let db = filled().await;
    masked(&db, MASKS, KEY).await.expect_ok();
    db.source("alter table person add nickname text; update person set nickname = 'x', updated_at = now()").await;
    let marks = db.target_marks("person").await;
    masked(&db, MASKS, KEY).await.expect_exit(5).expect_said(
        r#""tables": {"public.person": {"keep": ["nickname"]}}"#.replace('"', "\\\"").as_str(),
    );
    assert_eq!(db.target_marks("person").await, marks);
    let loose = format!("\"unmasked\": \"note\", {MASKS}");
    masked(&db, &loose, KEY).await.expect_ok().expect_note("nickname");
}

#[tokio::test]
async fn masked_values_are_replaced_by_true_ones_only_if_somebody_says_so() {
    let db = filled().await;
    masked(&db, MASKS, KEY).await.expect_ok();
    let marks = db.target_marks("person").await;
    // A failed run takes nothing of what is known.
    for _ in 0..2 {
        let refused = db.sync().await.expect_exit(5);
        refused
            .expect_refused(
                "person",
                &["masked address, born, card, code, email, home, name, note, pay, phone"],
            )
            .expect_refused("letter", &["masked body, person_email"]);
        assert_eq!(db.target_marks("person").await, marks);
    }
    let fewer = MASKS.replace(r#""name": "name.full", "#, "");
    let fewer = format!(r#""unmasked": "off", {fewer}"#);
    masked(&db, &fewer, KEY).await.expect_exit(5).expect_refused("person", &["masked name, and"]);
    // What does not travel shows nothing.
    let without = fewer.replace(r#""person": {"#, r#""person": {"excludeColumns": ["name"], "#);
    masked(&db, &without, KEY).await.expect_ok();
    // It stays known while it does not travel.
    masked(&db, &fewer, KEY).await.expect_exit(5).expect_refused("person", &["masked name, and"]);
    masked(&db, MASKS, KEY).await.expect_ok();
    // Neither do many refused runs take anything of it.
    db.target(
        "insert into sync_log (run_id, source, schema_name, table_name, status, start_time) \
         select 'x' || i, '', 'public', 'person', 'refused', now() from generate_series(1, 10001) i",
    )
    .await;
    db.sync().await.expect_exit(5).expect_refused("person", &["masked address, "]);
    db.sync().arg("-force").await.expect_ok();
    db.sync().await.expect_unchanged();
    db.assert_same("person").await;
}

#[tokio::test]
async fn what_another_log_knows_to_be_masked_is_refused_too() {
    let db = Pair::with(
        "create schema sales; create table sales.person (id int primary key, email text)",
    )
    .await;
    db.source(&format!("insert into sales.person values (1, '{SECRET}@mail.test')")).await;
    let rules = r#""tables": {"sales.person": {"mask": {"email": "email"}}}"#;
    masked(&db, rules, KEY).arg("-schema").arg("public,sales").await.expect_ok();
    // The log of these runs is another table, in each of them.
    for schema in ["sales", "sales", "sales,public"] {
        db.sync()
            .args(&["-schema", schema])
            .await
            .expect_exit(5)
            .expect_refused("sales.person", &["an earlier run masked email"])
            .expect_said("public.sync_log knows 1 selected table of earlier runs, and sales.sync_log does not")
            .expect_said("-log-table public.sync_log");
    }
    db.sync().args(&["-schema", "sales", "-dry-run"]).await.expect_exit(5);
    let there = "select count(*) from sales.person where email like 'zq7secret%'";
    assert_eq!(db.target_value(there).await, "0");
    // It stays masked, or goes on with its log.
    masked(&db, rules, KEY)
        .args(&["-schema", "sales", "-log-table", "public.sync_log"])
        .await
        .expect_unchanged();
    db.sync().args(&["-schema", "sales", "-force"]).await.expect_ok();
    assert_eq!(db.target_value(there).await, "1");
    // From then on that log knows it, and is asked alone.
    db.sync().args(&["-schema", "sales"]).await.expect_unchanged();
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_named_for_it_may_know_of_masks() {
    let db = Pair::with("create table person (id int primary key, email text)").await;
    db.source(&format!("insert into person values (1, '{SECRET}@mail.test')")).await;
    masked(&db, r#""tables": {"person": {"mask": {"email": "email"}}}"#, KEY).await.expect_ok();
    let role = db.target_writer().await;
    let name = &role.name;
    db.target(&format!(
        "revoke all on sync_log from {name}; create schema own authorization {name}"
    ))
    .await;
    let sync = || db.sync().target_role(&role).args(&["-ddl", "none", "-log-table", "own.log"]);
    let told = format!("grant select on table public.sync_log to {name}");
    sync()
        .arg("-dry-run")
        .await
        .expect_note("whether they have masked columns is not known")
        .expect_said(&told);
    sync().await.expect_ok().expect_said(&told);
    sync().await.expect_unchanged().expect_unsaid("is not known");
}

#[tokio::test]
async fn a_mask_that_breaks_a_check_of_a_domain_names_the_check() {
    let db = Pair::fresh().await;
    db.source(
        "create domain phone as text constraint is_phone check (value ~ '^[0-9 ]+$');
         create table person (id int primary key, phone phone); insert into person values (1, '030 123')",
    )
    .await;
    let rules = r#""tables": {"person": {"mask": {"phone": "redact"}}}"#;
    masked(&db, rules, KEY)
        .await
        .expect_exit(2)
        .expect_said("a value violates the constraint \"is_phone\"");
}

#[tokio::test]
async fn masks_that_cannot_be_are_all_named_before_anything_is_written() {
    let db = filled().await;
    let rules = r#""unmasked": "off", "tables": {"person": {"mask": {"email": "name.full", "born": "email", "id": {"number.noise": 0.5},
          "updated_at": "date.year", "note": {"sql": "note"}, "pay": {"sql": "random()"}, "name": {"sql": "nosuch(name)"},
          "card": {"sql": "(select email from person limit 1)"}, "home": {"value": "x"}}},
        "letter": {"mask": {"person_email": "redact", "id": "null"}}}"#;
    let said = masked(&db, rules, KEY).await.expect_exit(2);
    for text in [
        "email of public.person is part of",
        "mask \\\"email\\\" does not suit born",
        "and the mask \\\"number.noise\\\" may make different values equal: no mask keeps values of type integer apart",
        "updated_at of public.person is the timestamp",
        "id of public.letter is NOT NULL",
        "both have to be masked alike",
        "the expression reads other rows",
    ] {
        assert!(
            said.stdout.contains(text) || text == "email of public.person is part of",
            "{text}: {said}"
        );
    }
    let rules = r#""unmasked": "off", "tables": {"person": {"mask": {"note": {"sql": "note"}, "pay": {"sql": "random()"},
          "name": {"sql": "nosuch(name)"}, "home": {"value": "x"}}}}"#;
    let said = masked(&db, rules, KEY).await.expect_exit(2);
    for text in ["changes nothing", "random is volatile", "nosuch", "mask/home"] {
        assert!(said.stdout.contains(text), "{text}: {said}");
    }
    assert_eq!(db.target_value("select count(*) from person").await, "0");
}

#[tokio::test]
async fn a_filter_that_the_source_refuses_is_told_with_the_sqlstate_and_the_way_to_see_more() {
    let db = filled().await;
    let rules = r#""unmasked": "off", "tables": {"person": {"mask": {"name": "null"}, "where": "born > now() - interval '30 dayz'"}}"#;
    let said = masked(&db, rules, KEY).plain().await.expect_exit(2);
    drop(said.expect_said(
        "/tables/person/where: the source refuses the expression (SQLSTATE 22007, invalid_datetime_format); the server's words are \
         left out, for they may quote a value that is masked; to see them, run on the source: select from public.person where (born > now() - \
         interval '30 dayz') limit 0",
    ));
}

#[tokio::test]
async fn a_unique_index_of_the_target_alone_is_told_with_the_statement_that_drops_it() {
    let db = filled().await;
    db.target("create unique index person_born_key on person (born)").await;
    let rules = r#""unmasked": "off", "tables": {"person": {"mask": {"born": "date.year"}}}"#;
    let said = masked(&db, rules, KEY).plain().await.expect_exit(2);
    drop(said.expect_said(
        "born of public.person is in the unique index \"person_born_key\" of the target, and the mask \"date.year\" may make \
         different values equal: no mask keeps values of type date apart; or keep the column unmasked; or, as the source \
         has no such index, run on the target: drop index public.person_born_key",
    ));
    db.target("drop index public.person_born_key").await;
    masked(&db, rules, KEY).await.expect_ok();
}

#[tokio::test]
async fn an_error_of_the_source_quotes_no_value() {
    let db = filled().await;
    let rules = r#""unmasked": "off", "tables": {"person": {"mask": {"note": {"sql": "(note::int)::text"}, "name": "null"}}}"#;
    let said = masked(&db, rules, KEY).arg("-verbose").await.expect_exit(2);
    assert!(!format!("{said}").contains(SECRET), "{said}");
    db.source("update person set note = '1' where id <= 150").await;
    let rules = r#""unmasked": "off", "tables": {"person": {"where": "id <= 150 or length(note) > 3", "mask": {"name": "null", "note": {"sql": "case when id > 150 then (note::int)::text else '2' end"}}}}"#;
    db.source("update person set id = id + 2000 where id > 150; insert into person select i, i::text, null, null, null, null, null, null, '1', null, null from generate_series(151, 1500) i").await;
    let said = masked(&db, rules, KEY).arg("-verbose").await;
    assert!(said.status != 0 && !format!("{said}").contains(SECRET), "{said}");
}

#[tokio::test]
async fn a_column_that_the_source_has_no_more_is_named_where_another_is_masked() {
    let db = Pair::with("create table person (id int primary key, name text, b int)").await;
    db.source("insert into person values (1, 'Ann', 1)").await;
    let rules = r#""tables": {"person": {"mask": {"name": "redact"}}}"#;
    masked(&db, rules, KEY).await.expect_ok();
    db.source("alter table person drop b").await;
    let drop = "alter table public.person drop column b";
    masked(&db, rules, KEY).await.expect_ok().expect_note(drop);
    masked(&db, rules, KEY).await.expect_unchanged().expect_unsaid(drop);
}

#[tokio::test]
async fn a_generated_column_is_computed_from_masked_values() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.source(&format!(
        "create table person (id int primary key, first text not null, last text not null,
            whole text generated always as (first || ' ' || last) stored);
         insert into person (id, first, last) select i, '{SECRET}' || i, '{SECRET}' || -i from generate_series(1, 20) i"
    ))
    .await;
    let rules = r#""tables": {"person": {"mask": {"first": "name.first", "last": "name.last"}}}"#;
    masked(&db, rules, KEY).await.expect_ok().expect_changes("person", (20, 0, 0));
    let computed =
        "select count(*) from person where whole = first || ' ' || last and whole !~ 'zq7secret'";
    assert_eq!(db.target_value(computed).await, "20");
    let generated =
        "select is_generated from information_schema.columns where column_name = 'whole'";
    assert_eq!(db.target_value(generated).await, "ALWAYS");
    db.source("update person set last = 'other' where id = 7").await;
    masked(&db, rules, KEY).await.expect_ok().expect_changes("person", (0, 1, 0));
    masked(&db, rules, KEY).await.expect_unchanged();
    assert_eq!(db.target_value(computed).await, "20");
}

#[tokio::test]
async fn a_generated_column_that_cannot_be_computed_there_is_named() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.source(
        "create table person (id int primary key, name text, note text,
            upper_name text generated always as (upper(name)) stored);
         insert into person (id, name) values (1, 'ann')",
    )
    .await;
    let of = |more: &str| {
        format!(
            r#""tables": {{"person": {{"excludeColumns": ["note"], "mask": {{"name": "name.first"{more}}}}}}}"#
        )
    };
    let told = "column public.person.upper_name is not created on the target: ";
    masked(&db, &of(""), KEY).await.expect_ok().expect_note(told);
    masked(&db, &of(""), KEY).await.expect_unchanged().expect_unsaid("upper_name");
    masked(&db, &of(r#", "upper_name": "redact""#), KEY).await.expect_ok().expect_unsaid(told);
    assert_eq!(db.target_value("select upper_name from person").await, "redacted");
}

#[tokio::test]
async fn what_is_computed_from_masked_values_gets_no_mask_from_a_suggestion() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.source(
        "create table person (id int primary key, first_name text, email text,
            login_email text generated always as (lower(email)) stored);
         insert into person (id, first_name, email) select i, 'Ann', 'ann' || i || '@mail.test' from generate_series(1, 20) i",
    )
    .await;
    let source = db.source_url();
    let printed = pgsync(&["mask", "suggest", "-source", &source]).await.expect_exit(0).stdout;
    assert!(
        printed.contains("\"email\": \"email\"") && !printed.contains("login_email"),
        "{printed}"
    );
    let config = db.file("suggested.json", &printed);
    let run = || db.sync().args(&["-config", &config]).env("PGSYNC_MASK_KEY", KEY);
    run().await.expect_ok();
    let computed =
        "select count(*) from person where login_email = lower(email) and email !~ '^ann'";
    assert_eq!(db.target_value(computed).await, "20");
    let run = run().env("PGSYNC_MASK_KEY", OTHER).await.expect_ok();
    drop(run.expect_unsaid("only the target has"));
}

/// A run without masks has created it all.
#[tokio::test]
async fn what_masks_do_not_carry_is_not_said_to_be_on_the_target_only() {
    let db = Pair::fresh().await;
    db.source(
        "create table boss (id int primary key); insert into boss values (1);
         create table person (id int primary key, boss int references boss, name text);
         create index person_lower on person (lower(name)); insert into person values (1, 1, 'Ann')",
    )
    .await;
    db.settle().await;
    let rules = r#""tables": {"person": {"mask": {"name": "name.full"}}}"#;
    let run = masked(&db, rules, KEY).await.expect_ok();
    drop(run.expect_unsaid("only on the target").expect_unsaid("drop "));
    let fewer =
        r#""tables": {"person": {"mask": {"name": "name.full"}, "columns": ["id", "name"]}}"#;
    let run = masked(&db, fewer, KEY).include("person").await.expect_ok();
    drop(run.expect_unsaid("only on the target").expect_unsaid("drop "));
}

#[tokio::test]
async fn a_mask_that_came_by_a_foreign_key_is_told_with_the_place_where_it_stands() {
    let db = Pair::with(
        "create table customer (id text primary key); create table visit (id int primary key, customer varchar(20) references customer)",
    )
    .await;
    let run = masked(&db, r#""tables": {"customer": {"mask": {"id": "uuid"}}}"#, KEY)
        .await
        .expect_exit(2);
    run.expect_said(
        "masks.json: /tables/customer/mask/id: the mask \"uuid\" gives 36 characters, and customer of public.visit is",
    );
}

#[tokio::test]
async fn a_mask_whose_numbers_a_column_has_no_room_for_is_told_with_its_reason() {
    let db = Pair::with(
        "create domain pay as numeric(10, 2);
         create table staff (id int primary key, salary pay, card numeric(12, 2), whole numeric(16), small int2, day date)",
    )
    .await;
    db.source("insert into staff values (1, 10.5, 1, 1, 1, '2020-02-02')").await;
    let rules =
        r#""tables": {"staff": {"mask": {"salary": {"value": 123456789012}, "card": "card"}}}"#;
    let said = masked(&db, rules, KEY).await.expect_exit(2);
    let said = said.expect_said("/mask/card: the mask \"card\" for card of public.staff, which is numeric(12,2), gives numbers of 16 digits, and there is room for 10 digits before the decimals");
    drop(said.expect_said("which is pay, gives 123456789012, and there is room for 8 digits"));
    let rules =
        r#""tables": {"staff": {"mask": {"small": {"value": 99999}, "day": {"value": "soon"}}}}"#;
    let said = masked(&db, rules, KEY).await.expect_exit(2);
    let said = said.expect_said("\"99999\" is no value of type smallint (SQLSTATE 22003)");
    drop(said.expect_said("\"soon\" is no value of type date (SQLSTATE 22007)"));
    let rules =
        r#""tables": {"staff": {"mask": {"salary": {"value": 12345678.5}, "whole": "card"}}}"#;
    masked(&db, rules, KEY).await.expect_ok();
    assert_eq!(
        db.target_value("select concat(salary, length(whole::text)) from staff").await,
        "12345678.5016"
    );
}
