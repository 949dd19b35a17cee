//! A new pair of databases for one test, gone at its end however it ends.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::cluster::{Clusters, Server, clusters};
use super::outcome::Outcome;
use super::roles::Role;
use super::run::Sync;
use super::session::{Row, Session};
use super::{content, untouched};

pub struct Pair {
    pub name: String,
    pub source: Session,
    pub target: Session,
    clusters: &'static Clusters,
    /// Roles are the clusters', not the databases'; made by `roles`, dropped with the pair.
    pub(super) roles: Mutex<Vec<String>>,
}

impl Pair {
    pub async fn fresh() -> Self {
        Self::encoded("UTF8", "UTF8").await
    }

    /// A pair of databases whose text is stored in these encodings.
    pub async fn encoded(source_encoding: &str, target_encoding: &str) -> Self {
        let clusters = clusters();
        let name = unique("t");
        let (source, target) = (&clusters.source, &clusters.target);
        tokio::join!(
            create(source, &name, source_encoding),
            create(target, &name, target_encoding)
        );
        Self {
            source: Session::open(&source.url(&name)).await,
            target: Session::open(&target.url(&name)).await,
            name,
            clusters,
            roles: Mutex::default(),
        }
    }

    /// A pair whose two databases have just been made by this SQL.
    pub async fn with(sql: &str) -> Self {
        let pair = Self::fresh().await;
        pair.both(sql).await;
        pair
    }

    pub async fn both(&self, sql: &str) {
        self.source.run(sql).await;
        self.target.run(sql).await;
    }

    pub async fn source(&self, sql: &str) {
        self.source.run(sql).await;
    }

    pub async fn target(&self, sql: &str) {
        self.target.run(sql).await;
    }

    pub async fn source_value(&self, sql: &str) -> String {
        self.source.value(sql).await
    }

    pub async fn target_value(&self, sql: &str) -> String {
        self.target.value(sql).await
    }

    pub async fn target_rows(&self, sql: &str) -> Vec<Row> {
        self.target.rows(sql).await
    }

    /// A further connection to the source, for a transaction that stays open.
    pub async fn source_session(&self) -> Session {
        Session::open(&self.source_url()).await
    }

    pub async fn target_session(&self) -> Session {
        Session::open(&self.target_url()).await
    }

    pub fn source_url(&self) -> String {
        self.clusters.source.url(&self.name)
    }

    pub fn target_url(&self) -> String {
        self.clusters.target.url(&self.name)
    }

    pub fn source_server(&self) -> &Server {
        &self.clusters.source
    }

    pub fn target_server(&self) -> &Server {
        &self.clusters.target
    }

    /// A run from source to target; `.await` it.
    pub fn sync(&self) -> Sync<'_> {
        Sync::of(self)
    }

    /// The life of most tables: a first run, these changes on the source, a second run, equal
    /// contents, and a third run that finds nothing to do. Returns what the second run did.
    pub async fn follow(&self, changes: &str) -> Outcome {
        self.follow_as(&self.target_superuser(), changes).await
    }

    pub async fn follow_as(&self, role: &Role, changes: &str) -> Outcome {
        self.sync().target_role(role).await.expect_ok();
        self.assert_all_same().await;
        self.source(changes).await;
        self.settle_as(role).await
    }

    /// Makes the log that a role has created the superuser's, who uses no log of somebody with fewer
    /// rights; the role may go on writing it.
    pub async fn hand_over_log(&self, role: &Role) {
        let name = &role.name;
        self.target(&format!(
            "alter table sync_log owner to current_user; grant all on sync_log to {name}"
        ))
        .await;
    }

    /// One run brings all tables in sync, and the next finds nothing to do.
    pub async fn settle(&self) -> Outcome {
        self.settle_as(&self.target_superuser()).await
    }

    pub async fn settle_as(&self, role: &Role) -> Outcome {
        let outcome = self.sync().target_role(role).await.expect_ok();
        self.assert_all_same().await;
        self.sync().target_role(role).await.expect_unchanged();
        outcome
    }

    /// The major version of the older of the two servers.
    pub async fn version(&self) -> u32 {
        let sql = "select current_setting('server_version_num')::int / 10000";
        let versions = [self.source_value(sql).await, self.target_value(sql).await];
        versions.iter().filter_map(|version| version.parse().ok()).min().unwrap_or_default()
    }

    /// Whether both servers are of this version, the first to have `what`. If not, the test says so:
    /// scripts/test-matrix.sh collects what was left out.
    #[allow(clippy::print_stderr)] // the test runner captures it
    pub async fn has(&self, version: u32, what: &str) -> bool {
        let has = self.version().await >= version;
        if !has {
            eprintln!("left out: {what}, which PostgreSQL has from {version} on");
        }
        has
    }

    /// The same of the source alone.
    #[allow(clippy::print_stderr)] // the test runner captures it
    pub async fn source_has(&self, version: u32, what: &str) -> bool {
        let sql = "select current_setting('server_version_num')::int / 10000";
        let has = self.source_value(sql).await.parse().is_ok_and(|own: u32| own >= version);
        if !has {
            eprintln!("left out: {what}, which PostgreSQL has from {version} on");
        }
        has
    }

    /// What lets a role of the target keep triggers from firing, in the words for its server.
    pub async fn replica_right(&self) -> &'static str {
        let sql = "select current_setting('server_version_num')::int >= 150000";
        match self.target_value(sql).await.as_str() {
            "t" => "as a superuser: grant set on parameter session_replication_role to",
            _ => "connect to the target as a superuser",
        }
    }

    /// Both sides hold the same rows in this table (a name as SQL has it, quoted where needed).
    pub async fn assert_same(&self, table: &str) {
        if let Err(difference) = self.difference(table).await {
            panic!("{difference}");
        }
    }

    /// The same of those rows of the source that a filter lets through, without some columns.
    pub async fn assert_same_shown(&self, table: &str, without: &[String], filter: &str) {
        let shown = content::Shown { without, filter };
        let compared = content::compare_shown(&self.source, &self.target, table, &shown).await;
        if let Err(difference) = compared {
            panic!("{difference}");
        }
    }

    /// What differs, in words.
    pub async fn difference(&self, table: &str) -> Result<(), String> {
        content::compare(&self.source, &self.target, table).await
    }

    /// The same for every table of the source.
    pub async fn assert_all_same(&self) {
        for table in content::tables(&self.source).await {
            self.assert_same(&table).await;
        }
    }

    /// Where each row of a target table lies and who wrote it: equal before and after means that
    /// no row was written again.
    pub async fn target_marks(&self, table: &str) -> Vec<String> {
        let sql = format!(
            "select tableoid || ' ' || ctid::text || ' ' || xmin::text from {table} order by 1"
        );
        self.target.column(&sql).await
    }

    /// What the target is made of, the log aside; see `untouched`.
    pub async fn target_marks_of_all(&self) -> Vec<String> {
        untouched::marks(&self.target).await
    }

    /// Returns once a session of a run waits for a lock on the target.
    pub async fn until_blocked(&self) {
        let waiting =
            "select exists (select from pg_stat_activity where datname = current_database()
            and application_name = 'pgsync' and wait_event_type = 'Lock')";
        self.target.until(waiting).await;
    }

    /// Returns once no session of any run is left on either side.
    pub async fn until_no_sessions(&self) {
        let gone =
            "select not exists (select from pg_stat_activity where datname = current_database()
            and application_name = 'pgsync')";
        self.source.until(gone).await;
        self.target.until(gone).await;
    }

    /// A file of the test's own, gone with the next `cargo clean`; returns its path.
    pub fn file(&self, name: &str, content: &str) -> String {
        let path =
            std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", self.name));
        std::fs::write(&path, content).expect("the target folder can be written");
        path.display().to_string()
    }

    /// What the source is made of; see `untouched`.
    pub async fn source_marks(&self) -> Vec<String> {
        untouched::marks(&self.source).await
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let (clusters, name) = (self.clusters, self.name.clone());
        let roles = self.roles.lock().map(|roles| roles.clone()).unwrap_or_default();
        // Async work cannot be waited for on the runtime that runs the test: take another.
        let cleanup = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async {
                let source = drop_all(&clusters.source, &name, &roles);
                tokio::join!(source, drop_all(&clusters.target, &name, &roles));
            });
        });
        let _ = cleanup.join();
    }
}

/// A name that no other test, process or earlier run has.
pub(super) fn unique(prefix: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}_{}_{number}_{:x}", std::process::id(), now.subsec_nanos())
}

async fn create(server: &Server, name: &str, encoding: &str) {
    let admin = Session::open(&server.url("postgres")).await;
    // Only the locale C goes with every encoding.
    let locale = if encoding == "UTF8" { "" } else { "lc_collate 'C' lc_ctype 'C'" };
    let make = format!("create database {name} template template0 encoding '{encoding}' {locale}");
    admin.run(&make).await;
}

async fn drop_all(server: &Server, name: &str, roles: &[String]) {
    let Ok(admin) = Session::try_open(&server.url("postgres")).await else { return };
    let forced = format!("drop database if exists {name} with (force)");
    if admin.try_run(&forced).await.is_err() {
        // Before PostgreSQL 13.
        let others = format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
        );
        let _ = admin.try_run(&others).await;
        let _ = admin.try_run(&format!("drop database if exists {name}")).await;
    }
    for role in roles {
        let _ = admin.try_run(&format!("drop role if exists {role}")).await;
    }
}
