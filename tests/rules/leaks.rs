//! A recording proxy on the source's side: no value that is masked leaves the server, and none is printed or
//! written down.

use crate::support::{Outcome, Pair, Proxy, Sync, pgsync};

const KEY: &str = "0123456789abcdef-one";

/// Types, the mask of each, and how many columns there are of it: forty in all.
const KINDS: [(&str, &str, usize); 12] = [
    ("text", r#""text""#, 8),
    ("varchar(60)", r#""name.full""#, 5),
    ("char(40)", r#"{"hash": 20}"#, 4),
    ("json", r#"{"json": {"$.k": "redact"}}"#, 4),
    ("jsonb", r#"{"json": {"$.k": "email"}}"#, 4),
    ("bytea", r#""empty""#, 3),
    ("text[]", r#""redact""#, 3),
    ("uuid", r#""uuid""#, 3),
    ("inet", r#""ip""#, 2),
    ("date", r#"{"date.shift": {"days": 30}}"#, 2),
    ("numeric", r#"{"number.noise": 0.3}"#, 1),
    ("bigint", r#"{"value": "1"}"#, 1),
];

/// A column and the token that each of its values holds.
struct Planted {
    name: String,
    kind: &'static str,
    mask: &'static str,
    /// As text.
    token: String,
}

fn planted() -> Vec<Planted> {
    let columns =
        KINDS.iter().flat_map(|(kind, mask, count)| (0..*count).map(move |_| (kind, mask)));
    let planted = columns.enumerate().map(|(number, (kind, mask))| {
        let token = match *kind {
            "uuid" => format!("7a713874-6f6b-656e-7a71-38746f6b65{:02x}", 0x60 + number),
            "inet" => format!("10.77.171.{}", 200 + number),
            "date" => format!("{}-03-17", 1900 + number),
            "numeric" => "918273645".to_owned(),
            "bigint" => "5563212378294".to_owned(),
            _ => format!("zq{number:02}token"),
        };
        Planted { name: format!("c{number}"), kind, mask, token }
    });
    planted.collect()
}

impl Planted {
    /// A value with the token, of the row with this number.
    fn value(&self, id: &str) -> String {
        let token = &self.token;
        let value = match self.kind {
            "json" | "jsonb" => format!("json_build_object('k', '{token}' || {id}, 'o', 1)"),
            "bytea" => format!("convert_to('{token}', 'UTF8')"),
            "text[]" => format!("array['{token}', 'other']"),
            "text" | "varchar(60)" | "char(40)" => format!("'{token}' || {id}"),
            _ => format!("'{token}'"),
        };
        format!("({value})::{}", self.kind)
    }

    /// How the token can look on the wire and in what is printed.
    fn forms(&self) -> Vec<Vec<u8>> {
        let text = self.token.as_bytes().to_vec();
        let binary = match self.kind {
            "uuid" => {
                let digits: String = self.token.split('-').collect();
                let bytes = (0..16).map(|at| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16));
                bytes.collect::<Result<Vec<u8>, _>>().ok()
            }
            "inet" => {
                let parts = self.token.split('.').map(str::parse);
                parts.collect::<Result<Vec<u8>, _>>().ok()
            }
            "bigint" => self.token.parse::<i64>().ok().map(|number| number.to_be_bytes().to_vec()),
            // The digits of base 10,000: 9, 1827, 3645.
            "numeric" => Some(vec![0, 9, 7, 35, 14, 61]),
            "bytea" => Some(
                self.token.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
            ),
            _ => None,
        };
        std::iter::once(text).chain(binary).collect()
    }
}

/// Rows in which every masked column holds its token.
fn rows(from: u32, to: u32) -> String {
    let values: Vec<String> = planted().iter().map(|one| one.value("i")).collect();
    let values = values.join(", ");
    format!("insert into person select i, {values} from generate_series({from}, {to}) i")
}

async fn filled() -> Pair {
    let columns = planted().into_iter().map(|one| format!("{} {}", one.name, one.kind));
    let db = Pair::with(&format!(
        "create table person (id int primary key, {}, updated_at timestamptz not null default now())",
        columns.collect::<Vec<_>>().join(", ")
    ))
    .await;
    db.source(&rows(1, 40)).await;
    db
}

fn masks() -> String {
    let masks = planted().into_iter().map(|one| format!("\"{}\": {}", one.name, one.mask));
    let masks = masks.collect::<Vec<_>>().join(", ");
    format!(r#"{{"maskKey": "env:MASK_KEY", "tables": {{"person": {{"mask": {{{masks}}}}}}}}}"#)
}

struct Watched<'a> {
    db: &'a Pair,
    proxy: Proxy,
    config: String,
}

impl<'a> Watched<'a> {
    async fn begin(db: &'a Pair) -> Self {
        let proxy = Proxy::to(db.source_server().address()).await;
        proxy.record();
        Watched { db, proxy, config: db.file("masks.json", &masks()) }
    }

    fn sync(&self) -> Sync<'_> {
        let sync = self.db.sync().source_url(self.proxy.url(&self.db.source_url()));
        sync.args(&["-config", &self.config, "-verbose"]).env("MASK_KEY", KEY).no_overlap()
    }

    /// Another command than a run.
    fn command(&self, words: &[&str], has_target: bool) -> Sync<'static> {
        let source = self.proxy.url(&self.db.source_url());
        let target = self.db.target_url();
        let mut args = [words, &["-source", &source]].concat();
        if has_target {
            args.extend(["-target", &target]);
        }
        if words[1..].first() != Some(&"suggest") {
            args.extend(["-config", &self.config]);
        }
        pgsync(&args).env("MASK_KEY", KEY)
    }

    /// Nothing of any token passed, was printed, or stands in the log.
    async fn assert_silent(&self, run: &Outcome) {
        self.assert_untold(run).await;
        for one in planted() {
            for form in one.forms() {
                let (sent, bytes) = self.proxy.has_sent(&form);
                assert!(bytes > 0 && !sent, "{} {} left the source: {run}", one.name, one.kind);
            }
        }
    }

    async fn assert_untold(&self, run: &Outcome) {
        let said = [run.stdout.as_str(), run.stderr.as_str()].concat();
        let log = "select coalesce(string_agg(l::text, ';'), '') from sync_log l";
        let there = self.db.target_value("select to_regclass('public.sync_log')").await;
        let log = if there == "null" { String::new() } else { self.db.target_value(log).await };
        for one in planted() {
            for form in one.forms() {
                let inside =
                    |text: &str| text.as_bytes().windows(form.len()).any(|part| part == form);
                let told = inside(&said) || inside(&log);
                assert!(!told, "{} {} was told: {said} {log}", one.name, one.kind);
            }
        }
        assert!(!said.contains(KEY) && !log.contains(KEY));
    }
}

#[tokio::test]
async fn no_masked_value_leaves_the_source() {
    assert_eq!(planted().len(), 40);
    let db = filled().await;
    let watched = Watched::begin(&db).await;
    let dry = watched.sync().arg("-dry-run").await.expect_ok();
    watched.assert_silent(&dry).await;
    let first = watched.sync().await.expect_ok().expect_changes("person", (40, 0, 0));
    watched.assert_silent(&first).await;
    watched.sync().await.expect_unchanged();
    db.source(&format!(
        "update person set c0 = 'zq00token other', updated_at = now() where id < 5; delete from person where id = 9; {}",
        rows(100, 103)
    ))
    .await;
    let changed = watched.sync().await.expect_ok().expect_changes("person", (4, 4, 1));
    watched.assert_silent(&changed).await;
    db.source("update person set c8 = 'zq08token other' where id = 20").await;
    let compared =
        watched.sync().arg("-reconcile").await.expect_ok().expect_changes("person", (0, 1, 0));
    watched.assert_silent(&compared).await;
    watched.sync().arg("-reconcile").await.expect_unchanged();
}

#[tokio::test]
async fn no_other_command_lets_a_masked_value_go() {
    let db = filled().await;
    let watched = Watched::begin(&db).await;
    for (words, has_target) in [
        (&["mask", "suggest"][..], false),
        (&["mask", "check"], true),
        (&["mask", "preview", "person", "-limit", "20"], false),
    ] {
        let said = watched.command(words, has_target).await.expect_exit(0);
        watched.assert_silent(&said).await;
    }
    watched.sync().await.expect_ok();
    let equal = watched.command(&["verify", "-values"], true).await.expect_exit(0);
    watched.assert_silent(&equal).await;
    db.source("update person set c0 = 'zq00token last', updated_at = now() where id = 7").await;
    let differs = watched.command(&["verify", "-values"], true).await.expect_exit(3);
    watched.assert_silent(&differs).await;
}

#[tokio::test]
async fn runs_that_fail_let_no_masked_value_go() {
    let db = filled().await;
    let mut watched = Watched::begin(&db).await;
    watched.sync().await.expect_ok();
    // Something on the target changes what arrives, so the run ends with a complaint about rows.
    db.target(
        "create function spoil() returns trigger language plpgsql as $$ begin new.c0 := 'spoilt'; return new; end $$;
         create trigger spoil before insert or update on person for each row execute procedure spoil();
         alter table person enable always trigger spoil",
    )
    .await;
    db.source("update person set c0 = 'zq00token last', updated_at = now() where id = 7").await;
    let failed = watched.sync().await;
    assert_ne!(failed.status, 0, "{failed}");
    watched.assert_silent(&failed).await;
    db.target("drop trigger spoil on person; alter table person add check (c1 = 'none') not valid")
        .await;
    let failed = watched.sync().await.expect_exit(2);
    watched.assert_silent(&failed).await;
    // An expression of the user's own fails on a value: its server says which, and we do not.
    let rules = masks().replace(r#""c0": "text""#, r#""c0": {"sql": "(c0::int)::text"}"#);
    watched.config = db.file("fails.json", &rules);
    let failed = watched.sync().await.expect_exit(2);
    watched.assert_untold(&failed).await;
}

#[tokio::test]
async fn of_a_table_with_a_new_column_nothing_is_read() {
    let db = filled().await;
    let watched = Watched::begin(&db).await;
    watched.sync().await.expect_ok();
    db.source("alter table person add nickname text default 'zq00token'").await;
    // Whoever reads the table waits for this one.
    let blocker = db.source_session().await;
    blocker.run("begin; lock table person in access exclusive mode").await;
    let said = watched.sync().while_writing().args(&["-lock-timeout", "2s"]).await.expect_exit(5);
    blocker.run("rollback").await;
    assert!(said.stdout.contains("nickname"), "{said}");
    watched.assert_silent(&said).await;
}
