//! A recording proxy on the source's side: no value that is masked leaves the server, and none is printed or
//! written down.

use crate::support::{Outcome, Pair, Proxy, Sync};

const KEY: &str = "0123456789abcdef-one";

/// Tokens in columns of twelve types: as text, as the binary form of COPY has them, and in ways to write them.
const TOKENS: [(&str, &str, &str); 12] = [
    ("t", "text", "zq1token"),
    ("v", "varchar(60)", "zq2token"),
    ("c", "char(40)", "zq3token"),
    ("j", "json", "zq4token"),
    ("b", "jsonb", "zq5token"),
    ("x", "bytea", "zq6token"),
    ("a", "text[]", "zq7token"),
    ("u", "uuid", "7a713874-6f6b-656e-7a71-38746f6b656e"),
    ("i", "inet", "10.77.171.205"),
    ("d", "date", "1971-03-17"),
    ("n", "numeric", "918273645"),
    ("l", "bigint", "5563212378294"),
];

const MASKS: &str = r#"{"maskKey": "env:MASK_KEY", "tables": {"person": {"mask": {"t": "text", "v": "name.full", "c": {"hash": 20},
    "j": {"json": {"$.k": "redact"}}, "b": {"json": {"$.k": "email"}}, "x": "empty", "a": "redact", "u": "uuid", "i": "ip",
    "d": {"date.shift": {"days": 30}}, "n": {"number.noise": 0.3}, "l": {"value": "1"}}}}}"#;

/// A row in which every masked column holds its token.
fn row(id: &str) -> String {
    let values = TOKENS.iter().map(|(_, kind, token)| match *kind {
        "json" | "jsonb" => format!("'{{\"k\": \"{token}'||{id}||'\", \"o\": 1}}'")
            .replace("'||", "' || ")
            .replace("||'", " || '"),
        "bytea" => format!("convert_to('{token}', 'UTF8')"),
        "text[]" => format!("array['{token}', 'other']"),
        "text" | "varchar(60)" | "char(40)" => format!("'{token}' || {id}"),
        other => format!("'{token}'::{other}"),
    });
    let values =
        values.map(|value| if value.starts_with("'{") { format!("({value})") } else { value });
    let columns = TOKENS.iter().map(|(_, kind, _)| *kind);
    let typed = values.zip(columns).map(|(value, kind)| format!("({value})::{kind}"));
    typed.collect::<Vec<_>>().join(", ")
}

/// How a token can look on the wire and in what is printed.
fn forms(kind: &str, token: &str) -> Vec<Vec<u8>> {
    let text = token.as_bytes().to_vec();
    let binary = match kind {
        "uuid" => Some(b"zq8token".to_vec()),
        "inet" => Some(vec![10, 77, 171, 205]),
        "bigint" => token.parse::<i64>().ok().map(|number| number.to_be_bytes().to_vec()),
        // The digits of base 10,000: 9, 1827, 3645.
        "numeric" => Some(vec![0, 9, 7, 35, 14, 61]),
        "bytea" => {
            Some(token.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect())
        }
        _ => None,
    };
    std::iter::once(text).chain(binary).collect()
}

async fn filled() -> Pair {
    let columns: Vec<String> =
        TOKENS.iter().map(|(name, kind, _)| format!("{name} {kind}")).collect();
    let db = Pair::with(&format!(
        "create table person (id int primary key, {}, updated_at timestamptz not null default now())",
        columns.join(", ")
    ))
    .await;
    db.source(&format!("insert into person select i, {} from generate_series(1, 40) i", row("i")))
        .await;
    db
}

struct Watched<'a> {
    db: &'a Pair,
    proxy: Proxy,
    config: String,
}

impl Watched<'_> {
    fn sync(&self) -> Sync<'_> {
        let sync = self.db.sync().source_url(self.proxy.url(&self.db.source_url()));
        sync.args(&["-config", &self.config, "-verbose"]).env("MASK_KEY", KEY).no_overlap()
    }

    /// Nothing of any token passed, was printed, or stands in the log.
    async fn assert_silent(&self, run: &Outcome) {
        let said = [run.stdout.as_str(), run.stderr.as_str()].concat();
        let log = "select coalesce(string_agg(l::text, ';'), '') from sync_log l";
        let there = self.db.target_value("select to_regclass('public.sync_log')").await;
        let log = if there == "null" { String::new() } else { self.db.target_value(log).await };
        for (name, kind, token) in TOKENS {
            for form in forms(kind, token) {
                let (sent, bytes) = self.proxy.has_sent(&form);
                assert!(bytes > 0 && !sent, "{name} {kind} {token} left the source: {said}");
                let inside =
                    |text: &str| text.as_bytes().windows(form.len()).any(|part| part == form);
                assert!(
                    !inside(&said) && !inside(&log),
                    "{name} {kind} {token} was told: {said} {log}"
                );
            }
        }
        assert!(!said.contains(KEY) && !log.contains(KEY));
    }
}

#[tokio::test]
async fn no_masked_value_leaves_the_source() {
    let db = filled().await;
    let proxy = Proxy::to(db.source_server().address()).await;
    proxy.record();
    let watched = Watched { db: &db, proxy, config: db.file("masks.json", MASKS) };
    let dry = watched.sync().arg("-dry-run").await.expect_ok();
    watched.assert_silent(&dry).await;
    let first = watched.sync().await.expect_ok().expect_changes("person", (40, 0, 0));
    watched.assert_silent(&first).await;
    watched.sync().await.expect_unchanged();
    db.source(&format!(
        "update person set t = 'zq1token other', updated_at = now() where id < 5; delete from person where id = 9;
         insert into person select i, {} from generate_series(100, 103) i",
        row("i")
    ))
    .await;
    let changed = watched.sync().await.expect_ok().expect_changes("person", (4, 4, 1));
    watched.assert_silent(&changed).await;
    db.source("update person set v = 'zq2token other' where id = 20").await;
    let compared =
        watched.sync().arg("-reconcile").await.expect_ok().expect_changes("person", (0, 1, 0));
    watched.assert_silent(&compared).await;
    watched.sync().arg("-reconcile").await.expect_unchanged();
    // Something on the target changes what arrives, so the run ends with a complaint about rows.
    db.target(
        "create function spoil() returns trigger language plpgsql as $$ begin new.t := 'spoilt'; return new; end $$;
         create trigger spoil before insert or update on person for each row execute procedure spoil();
         alter table person enable always trigger spoil",
    )
    .await;
    db.source("update person set t = 'zq1token last', updated_at = now() where id = 7").await;
    let failed = watched.sync().await;
    assert_ne!(failed.status, 0, "{failed}");
    watched.assert_silent(&failed).await;
}
