//! `pgsync mask suggest` on schemas in several languages, with columns that are known to be personal.

use std::collections::BTreeSet;

use serde_json::Value;

use super::support::{Pair, pgsync};

const SHOP: &str = "create schema shop;
    create table shop.users (id int primary key, email text unique not null, name text, phone varchar(30), \
        password_hash text, last_login_ip inet, email_verified boolean, status text, created_at timestamptz);
    create table shop.addresses (id int primary key, user_id int references shop.users, street text, zip text, \
        city text, country_code char(2));
    create table shop.payments (id int primary key, card_number text, card_type text, cardholder text, \
        amount numeric, currency char(3), reference text);
    create table shop.products (id int primary key, name text, description text, color text, price numeric);
    create table shop.tickets (id int primary key, contact text, body text, state text, ip text);
    insert into shop.users select i, 'u' || i || '@mail.test', 'Ann ' || i, '+49 30 12345' || i, md5(i::text), \
        '10.0.0.1', true, 'active', now() from generate_series(1, 50) i;
    insert into shop.addresses select i, i, 'Main Street ' || i, '1' || i, 'Berlin', 'DE' from generate_series(1, 50) i;
    insert into shop.payments select i, '4111 1111 1111 1111', 'visa', 'Ann', 5, 'EUR', 'R-' || i from generate_series(1, 50) i;
    insert into shop.products select i, 'Shoe ' || i, 'soft', 'red', 5 from generate_series(1, 50) i;
    insert into shop.tickets select i, 'a' || i || '@b.test', 'Hello, I am ill and cannot walk any more, please send help', \
        'open', '192.168.1.' || i from generate_series(1, 50) i";
const SHOP_PERSONAL: &[&str] = &[
    "users.email",
    "users.name",
    "users.phone",
    "users.password_hash",
    "users.last_login_ip",
    "addresses.street",
    "addresses.zip",
    "payments.card_number",
    "payments.cardholder",
    "tickets.contact",
    "tickets.body",
    "tickets.ip",
];

const PRAXIS: &str = "create schema praxis;
    create table praxis.patienten (id int primary key, vorname text, nachname text, geburtsdatum date, \
        versichertennummer text, telefonnummer text, strasse text, plz text, geschlecht char(1), groesse int);
    create table praxis.konten (id int primary key, patient int references praxis.patienten, kontoinhaber text, \
        konto text, saldo numeric, waehrung char(3));
    create table praxis.termine (id int primary key, patient int references praxis.patienten, beginn timestamptz, \
        raum text, bemerkung text, art text);
    create table praxis.mitarbeiter (id int primary key, name text, steuernummer text, gehalt numeric, abteilung text);
    insert into praxis.patienten select i, 'Eva', 'Kurz', '1980-01-01', 'A' || i, '030/ 1234' || i, 'Weg 1', '12345', 'w', 170 \
        from generate_series(1, 30) i;
    insert into praxis.konten select i, i, 'Eva Kurz', 'DE89370400440532013000', 1, 'EUR' from generate_series(1, 30) i;
    insert into praxis.termine select i, i, now(), 'R1', 'kommt spaeter', 'neu' from generate_series(1, 30) i;
    insert into praxis.mitarbeiter select i, 'Max', '12/345/' || i, 4000, 'Labor' from generate_series(1, 30) i";
const PRAXIS_PERSONAL: &[&str] = &[
    "patienten.vorname",
    "patienten.nachname",
    "patienten.geburtsdatum",
    "patienten.telefonnummer",
    "patienten.strasse",
    "patienten.plz",
    "konten.kontoinhaber",
    "konten.konto",
    "termine.bemerkung",
    "mitarbeiter.name",
    "mitarbeiter.steuernummer",
    "mitarbeiter.gehalt",
];

const TIENDA: &str = "create schema tienda;
    create table tienda.clientes (id int primary key, nombre text, apellidos text, correo varchar(20), telefono text, \
        fecha_nacimiento date, dni text, activo boolean, idioma text);
    create table tienda.utilisateurs (id int primary key, prenom text, nom text, courriel text, mot_de_passe text, \
        adresse text, code_postal text, langue text, commentaire text, score int);
    create table tienda.pedidos (id int primary key, cliente int references tienda.clientes, total numeric, estado text, \
        direccion text, numero_tarjeta text, pedido_at timestamptz);
    insert into tienda.clientes select i, 'Ana', 'Ruiz', i || '@x.test', '600 123 45' || i, '1990-01-01', 'X' || i, true, 'es' \
        from generate_series(10, 40) i;
    insert into tienda.utilisateurs select i, 'Luc', 'Roi', 'l' || i || '@y.test', 'x', 'rue 1', '75001', 'fr', 'bien', 1 \
        from generate_series(10, 40) i;
    insert into tienda.pedidos select i, i, 1, 'nuevo', 'calle 1', '5500005555555559', now() from generate_series(10, 40) i";
const TIENDA_PERSONAL: &[&str] = &[
    "clientes.nombre",
    "clientes.apellidos",
    "clientes.correo",
    "clientes.telefono",
    "clientes.fecha_nacimiento",
    "clientes.dni",
    "utilisateurs.prenom",
    "utilisateurs.nom",
    "utilisateurs.courriel",
    "utilisateurs.mot_de_passe",
    "utilisateurs.adresse",
    "utilisateurs.code_postal",
    "utilisateurs.commentaire",
    "pedidos.direccion",
    "pedidos.numero_tarjeta",
];

async fn suggested(db: &Pair, schema: &str) -> Value {
    let url = db.source_url();
    let run = pgsync(&["mask", "suggest", "-source", &url, "-schema", schema]).await.expect_exit(0);
    serde_json::from_str(&run.stdout).expect("a config file")
}

/// `table.column` of every mask.
fn masked(config: &Value) -> BTreeSet<String> {
    let tables = config["tables"].as_object().into_iter().flatten();
    let of_table = |(table, entry): (&String, &Value)| {
        let (_, table) = table.split_once('.').expect("a schema");
        let masks = entry["mask"].as_object().cloned().unwrap_or_default();
        masks.keys().map(|column| format!("{table}.{column}")).collect::<Vec<_>>()
    };
    tables.flat_map(of_table).collect()
}

#[tokio::test]
async fn every_personal_column_is_found_and_few_others() {
    let db = Pair::fresh().await;
    for (schema, sql, personal) in [
        ("shop", SHOP, SHOP_PERSONAL),
        ("praxis", PRAXIS, PRAXIS_PERSONAL),
        ("tienda", TIENDA, TIENDA_PERSONAL),
    ] {
        db.source(sql).await;
        let config = suggested(&db, schema).await;
        let found = masked(&config);
        let personal: BTreeSet<String> = personal.iter().map(ToString::to_string).collect();
        let missed: Vec<_> = personal.difference(&found).collect();
        assert!(missed.is_empty(), "{schema}: not found: {missed:?} in {config:#}");
        if schema == "shop" {
            assert_eq!(suggested(&db, "s*p").await["tables"], config["tables"]);
        }
        let right = found.intersection(&personal).count();
        let others: Vec<_> = found.difference(&personal).collect();
        assert!(right * 10 >= found.len() * 7, "{schema}: {right} of {}: {others:?}", found.len());
    }
}

#[tokio::test]
async fn the_suggestion_is_a_config_file_with_its_evidence_and_no_value() {
    let db = Pair::fresh().await;
    db.source(SHOP).await;
    let url = db.source_url();
    let run = pgsync(&["mask", "suggest", "-source", &url, "-schema", "shop"]).await.expect_exit(0);
    for value in ["@mail.test", "4111", "Main Street", "Hello", "192.168"] {
        assert!(!run.stdout.contains(value) && !run.stderr.contains(value), "{value}: {run}");
    }
    let config: Value = serde_json::from_str(&run.stdout).expect("a config file");
    let users = &config["tables"]["shop.users"];
    assert_eq!(users["mask"]["email"], "email");
    assert_eq!(
        users["_why"]["email"],
        "the column's name; 50 of 50 values look like e-mail addresses"
    );
    assert_eq!(users["keep"], serde_json::json!(["status"]));
    let payments = &config["tables"]["shop.payments"];
    assert_eq!(payments["mask"]["card_number"], "card");
    // A run understands it.
    let file = db.file("suggested.json", &run.stdout);
    let shown = pgsync(&[
        "config",
        "show",
        "shop.users",
        "-config",
        &file,
        "-source",
        &url,
        "-target",
        &url,
    ]);
    let shown = shown
        .args(&["-schema", "shop"])
        .env("PGSYNC_MASK_KEY", "0123456789abcdef")
        .await
        .expect_exit(0);
    assert!(shown.stdout.contains("mask of email"), "{shown}");
}

#[tokio::test]
async fn a_table_that_may_not_be_read_is_named_and_the_others_are_looked_at() {
    let db = Pair::fresh().await;
    db.source(
        "create schema shop; create table shop.a (id int primary key, email text); create table shop.b (id int primary key, email text);
         create table shop.c (id int primary key, email text)",
    )
    .await;
    let reader = db.source_reader().await;
    db.source(&format!("revoke select on shop.b from {}", reader.name)).await;
    let suggest = || pgsync(&["mask", "suggest", "-source", &reader.url, "-schema", "shop"]);
    let run = suggest().await.expect_exit(1);
    let grant = format!(
        "shop.b was not looked at: permission denied for table b: grant select on table shop.b to {}\n",
        reader.name
    );
    assert_eq!(run.stderr, format!("pgsync: {grant}"));
    let config: Value = serde_json::from_str(&run.stdout).expect("a config file");
    assert_eq!(masked(&config), BTreeSet::from(["a.email".to_owned(), "c.email".to_owned()]));
    db.source(&format!("revoke select on shop.a, shop.c from {}", reader.name)).await;
    assert_eq!(suggest().await.expect_exit(1).stdout, "");
    db.source(&format!(
        "alter table shop.a enable row level security; grant select on shop.a to {}",
        reader.name
    ))
    .await;
    let hidden = suggest().await.expect_exit(1);
    assert!(hidden.stderr.contains(&format!("alter role {} bypassrls", reader.name)), "{hidden}");
}

#[tokio::test]
async fn what_rules_leave_out_needs_no_mask_and_no_right() {
    let db = Pair::fresh().await;
    db.source(
        "create schema shop; create table shop.a (id int primary key, email text, secret text);
         create table shop.b (id int primary key, email text)",
    )
    .await;
    let reader = db.source_reader().await;
    let name = &reader.name;
    db.source(&format!(
        "revoke select on shop.a, shop.b from {name}; grant select (id, email, ctid) on shop.a to {name}"
    ))
    .await;
    let rules = r#"{"schema": ["shop"], "tables": {"a": {"excludeColumns": ["secret"]}, "b": {"skip": true}}}"#;
    let file = db.file("rules.json", rules);
    let run = pgsync(&["mask", "suggest", "-source", &reader.url, "-config", &file]);
    let config: Value = serde_json::from_str(&run.await.expect_exit(0).stdout).expect("a config");
    assert_eq!(masked(&config), BTreeSet::from(["a.email".to_owned()]));
    // What is printed names the schemas that it was made for.
    assert_eq!(config["schema"], serde_json::json!(["shop"]));
}

#[tokio::test]
async fn a_domain_is_judged_as_its_base_type_and_what_is_not_looked_into_is_said() {
    let db = Pair::fresh().await;
    db.source(
        "create schema app; create extension citext; create domain mail as text check (value like '%@%');
        create domain short_mail as varchar(60); create domain inner_mail as citext; create domain outer_mail as inner_mail;
        create type pair as (a text, b text);
        create table app.one (id int primary key, a mail, b short_mail, c outer_mail, d text[], e json, f pair, g xml, h text,
            vat text, account text);
        insert into app.one select i, m, m, m, array[m], to_json(m), row(m, m)::pair, '<a/>', 'red',
        'DE' || 100000000 + i, 'DE' || lpad(i::text, 20, '0') \
        from (select i, 'u' || i || '@mail.test' as m from generate_series(1, 30) i) s",
    )
    .await;
    let config = suggested(&db, "app").await;
    let one = &config["tables"]["app.one"];
    for column in ["a", "b", "c"] {
        assert_eq!(one["mask"][column], "email", "{one}");
    }
    for column in ["d", "e", "f", "g"] {
        let why = one["_why"][column].as_str().unwrap_or_default();
        assert!(why.starts_with("not looked at: a value of type "), "{column} in {one}");
    }
    assert_eq!(one["_why"]["account"], "30 of 30 values look like IBANs", "{one}");
    // Nobody has decided about those.
    assert_eq!(one["keep"], serde_json::json!(["h", "vat"]), "{one}");
    assert_eq!(one["_why"]["h"], "nothing personal was found in 30 values", "{one}");
}

#[tokio::test]
async fn config_show_finds_a_table_by_its_bare_name_and_answers_a_mistyped_one() {
    let db = Pair::fresh().await;
    let file = db.file(
        "rules.json",
        r#"{"schema": ["public", "shop", "crm"], "tables": {"crm.customer": {"where": "id > 1"}, "shop.note": {"where": "id > 2"},
            "crm.note": {"where": "id > 3"}, "item": {"where": "id > 4"}}}"#,
    );
    let (source, target) = (db.source_url(), db.target_url());
    let cases: [(&str, &[&str]); 6] = [
        ("customer", &["crm.customer", "id > 1"]),
        ("crm.customer", &["crm.customer", "id > 1"]),
        ("custmer", &["public.custmer", "no entry has this name; there is one for crm.customer"]),
        ("note", &["public.note", "there are entries for crm.note, shop.note"]),
        ("item", &["public.item", "id > 4"]),
        ("shop.item", &["shop.item", "id > 4"]),
    ];
    for (name, expected) in cases {
        let ends = ["-config", &file, "-source", &source, "-target", &target];
        let shown = pgsync(&["config", "show", name]).args(&ends).await.expect_exit(0);
        for text in expected {
            assert!(shown.stdout.contains(text), "{text}: {shown}");
        }
        let is_near = name == "custmer" || name == "note";
        assert_eq!(shown.stdout.contains("for "), is_near, "{shown}");
    }
}

#[tokio::test]
async fn where_the_schema_has_no_table_those_are_named_that_have_one() {
    let db = Pair::fresh().await;
    db.source("create schema app; create table app.item (id int primary key)").await;
    let said = pgsync(&["mask", "suggest", "-source", &db.source_url()]).await.expect_exit(2);
    said.expect_said(
        "pgsync: no table to sync: schema public (the default) has none on the source; postgres may read tables of others: \
         -schema app",
    );
}
