//! What the contract needs of a kind of source: a table `item` that can be filled and changed.

use std::time::Duration;

use pgsync::config::Environment;
use pgsync::config::conninfo;
use pgsync::config::conninfo::ConnInfo;
use pgsync::config::source::SourceInfo;
use pgsync::error::Side;
use pgsync::ident::{Ident, TableName};
use pgsync::pg::{self, Pool, PooledSession, catalog};
use pgsync::plan::references::References;
use pgsync::plan::{self, Candidate, PlanContext, TablePlan};
use pgsync::rules::TableRules;
use pgsync::source::{Reader, Source, SourceState, TargetView};
use pgsync::sql::digest::HashFamily;
use pgsync::sql::horizon::Horizon;
use pgsync::sql::mapping::{TableMapping, Timestamp};

use crate::support::Pair;

/// A row of `item (id bigint, name text, updated_at timestamptz)`, of which `id` is the key.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    pub id: i64,
    pub name: Option<&'static str>,
    /// As PostgreSQL prints it in UTC, say `2024-01-01 00:00:00+00` or `infinity`.
    pub updated_at: Option<&'static str>,
}

impl Item {
    pub const fn new(id: i64, name: &'static str, updated_at: &'static str) -> Self {
        Self { id, name: Some(name), updated_at: Some(updated_at) }
    }
}

/// A kind of source.
pub trait Kind: Sized {
    /// A source with the table `item`, which is empty.
    async fn with_items(db: &Pair) -> Self;
    /// Where it is.
    fn info(&self, db: &Pair) -> SourceInfo;
    /// Adds rows, in place of those with the same keys, and commits.
    async fn put(&self, db: &Pair, items: &[Item]);
    /// Takes rows away, and commits.
    async fn remove(&self, db: &Pair, ids: &[i64]);
    /// Empties the table in the fastest way, and commits.
    async fn empty(&self, db: &Pair);
}

/// A source with rows, and a target with the same table.
pub struct Subject<K> {
    pub db: Pair,
    pub kind: K,
}

impl<K: Kind> Subject<K> {
    /// Both sides hold these rows.
    pub async fn holding(items: &[Item]) -> Self {
        let db = Pair::fresh().await;
        let kind = K::with_items(&db).await;
        db.target("create table item (id bigint primary key, name text, updated_at timestamptz)")
            .await;
        let subject = Self { db, kind };
        subject.kind.put(&subject.db, items).await;
        for item in items {
            subject.db.target(&insert(item)).await;
        }
        subject
    }

    pub async fn put(&self, items: &[Item]) {
        self.kind.put(&self.db, items).await;
    }

    /// Opens the source at this moment, and a session of the target.
    pub async fn open(&self) -> Opened {
        let (info, lock_timeout) = (self.kind.info(&self.db), Duration::from_secs(10));
        let source = Source::new(&info, 2, lock_timeout, pg::Masking::default())
            .expect("nothing is read to connect");
        let pinned = pg::Settings { lock_timeout, ..pg::Settings::default() };
        let pool = Pool::new(&info_of(&self.db.target_url()), Side::Target, 2, pinned);
        let pool = pool.expect("nothing is read to connect");
        let schemas = [Ident::new("public")];
        let mut state = source.open(&schemas, &[], None).await.expect("the source opens");
        let target = pool.get().await.expect("the target opens");
        let tables = catalog::tables(&target, &schemas, true).await.expect("a catalog");
        let server = catalog::server(&target).await.expect("a server");
        let there = TargetView {
            version: server.version,
            tables: &tables,
            named: &TableName::clone,
            column: &|_, column| column.clone(),
            travelling: &|table| table.columns.iter().map(|column| column.name.clone()).collect(),
            postgis: None,
            wanted: &|_| true,
        };
        source.settle(&mut state, &there).await.expect("the source agrees");
        let probe = catalog::hash_probe(&target).await.expect("a hash");
        let chosen = HashFamily::agreed(
            [&state.server.encoding, &server.encoding],
            [state.hash_probe.as_deref(), probe.as_deref()],
        );
        let item = TableName::new("public", "item");
        let of = |tables: &[pgsync::table::Table]| {
            let found = tables.iter().find(|table| table.name == item).cloned();
            let mut found = found.expect("there is an item");
            // Questions about timestamps are answered, whether or not a run would ask them.
            std::sync::Arc::make_mut(&mut found.columns)
                .iter_mut()
                .for_each(|column| column.unindexed = false);
            found
        };
        let plan = planned(&of(&state.tables), &of(&tables), (chosen.family, state.local));
        Opened { source, state, plan, target }
    }
}

/// A source of one moment.
pub struct Opened {
    pub source: Source,
    pub state: SourceState,
    pub plan: TablePlan,
    pub target: PooledSession,
}

impl Opened {
    pub async fn reader(&self) -> Reader {
        self.source.reader().await.expect("the source can be read")
    }

    pub fn mapping(&self) -> &TableMapping {
        &self.plan.mapping
    }

    pub fn timestamp(&self) -> &Timestamp {
        self.plan.timestamp.as_ref().expect("item has a timestamp")
    }

    pub fn horizon(&self) -> &Horizon {
        &self.state.sight.horizon
    }
}

fn planned(
    source: &pgsync::table::Table,
    target: &pgsync::table::Table,
    (hasher, local): (HashFamily, bool),
) -> TablePlan {
    let references = References {
        source: Vec::new(),
        target: Vec::new(),
        of_partitions: Vec::new(),
        of_checks: Vec::new(),
        loosened: Vec::new(),
        selected: [source.name.clone()].into(),
        names: Default::default(),
        filtered: Default::default(),
        keeping: Default::default(),
        appended: Default::default(),
        fixed: Default::default(),
        checked_late: Default::default(),
        replica_role: true,
    };
    let rules = TableRules::default();
    let candidate = Candidate {
        source,
        target: Some(target),
        target_name: &target.name,
        target_is_empty: false,
        last: None,
        references: &references,
        rules: &rules,
        view: None,
        made: "",
        mask_key: "",
        post_data: &[],
        differing: &[],
        is_widened: false,
        lost_partition: None,
        key_is_named: false,
        other_key: None,
        left_partitions: None,
        computes_otherwise: false,
        detaching: &[],
        grown: &[],
        renamed: &[],
    };
    let context = PlanContext {
        source_identity: "1/1/source/1".to_owned(),
        hasher,
        replica_role: true,
        fire_triggers: false,
        dry_run: false,
        only_compares: false,
        needs_temporary: None,
        reconcile: false,
        force: false,
        roles: pgsync::plan::Roles::default(),
        path: None,
        local,
        same_floats: !local,
        same_intervals: true,
        same_text: true,
        mark: None,
        now: String::new(),
    };
    plan::table(candidate, &context).expect("item can be planned")
}

/// A connection string, without anything from the tester's environment.
pub fn info_of(url: &str) -> ConnInfo {
    let environment = Environment {
        variables: [("USER".to_owned(), "nobody".to_owned())].into(),
        read: &|_| Ok(None),
    };
    conninfo::parse(url, &environment).expect("a connection string").info
}

/// A statement of PostgreSQL that adds a row, in place of one with the same key.
pub fn insert(item: &Item) -> String {
    let quoted = |text: Option<&str>| {
        text.map_or("null".to_owned(), |text| format!("'{}'", text.replace('\'', "''")))
    };
    let (name, updated_at) = (quoted(item.name), quoted(item.updated_at));
    format!(
        "insert into item values ({id}, {name}, {updated_at}) on conflict (id) do update \
         set name = excluded.name, updated_at = excluded.updated_at",
        id = item.id
    )
}
