//! A standby as the source: it must be left as it was, and be read like any other.

use crate::support::{OwnServer, Pair, Session};

const TABLES: &str =
    "create table item (id int primary key, name text unique, updated_at timestamptz);
    create table other (id int primary key, n int); create table third (id int primary key, n int)";
const ROWS: &str = "insert into item select i, 'n' || i, now() - interval '1 hour' from generate_series(1, 1000) i;
    insert into other select i, i from generate_series(1, 1000) i; insert into third select * from other";

/// A primary, its standby, and a pair of which the target is used.
struct Chain {
    primary: OwnServer,
    standby: OwnServer,
    db: Pair,
    writer: Session,
    reader: Session,
}

impl Chain {
    async fn start() -> Self {
        let primary = OwnServer::start("wal_level = logical");
        let writer = Session::open(&primary.url("postgres")).await;
        writer.run(TABLES).await;
        writer.run(ROWS).await;
        let standby = primary.standby("");
        let reader = Session::open(&standby.url("postgres")).await;
        Self { primary, standby, db: Pair::with(TABLES).await, writer, reader }
    }

    /// Returns once the standby has everything that was written so far.
    async fn followed(&self) {
        let other = Session::open(&self.primary.url("postgres")).await;
        other.run("select pg_logical_emit_message(false, 'pgsync', 'x')").await;
        other.run("select pg_switch_wal()").await;
        let position = other.value("select pg_current_wal_lsn()").await;
        self.reader.until(&format!("select pg_last_wal_replay_lsn() >= '{position}'")).await;
    }

    fn sync(&self) -> crate::support::Sync<'_> {
        self.db.sync().while_writing().source_url(self.standby.url("postgres"))
    }

    async fn assert_same(&self) {
        for table in ["item", "other", "third"] {
            let rows = format!("select t::text from {table} t order by id");
            let there = self.writer.column(&rows).await;
            assert_eq!(self.reader.column(&rows).await, there, "{table} of the standby");
            let target = self.db.target_session().await;
            assert_eq!(target.column(&rows).await, there, "{table} of the target");
        }
    }
}

#[tokio::test]
async fn reading_a_standby_does_not_damage_it() {
    let chain = Chain::start().await;
    // What is open on the primary has more subtransactions than its snapshots can list.
    let late = Session::open(&chain.primary.url("postgres")).await;
    late.run("begin").await;
    for id in 1..=80 {
        let change = format!(
            "savepoint s{id}; insert into other values (1000 + {id}, {id});
             update item set name = 'late' || id, updated_at = now() where id = {id}"
        );
        late.run(&change).await;
    }
    chain.followed().await;
    let run = chain.sync().parallel(4).await.expect_ok();
    run.expect_note("one session reads");
    late.run("commit").await;
    chain.followed().await;
    chain.sync().parallel(4).await.expect_ok();
    chain.assert_same().await;
}

#[tokio::test]
async fn unique_values_that_moved_on_a_standby_are_sorted_out() {
    let chain = Chain::start().await;
    chain.sync().await.expect_ok();
    chain
        .writer
        .run(
            "update item set name = 'other', updated_at = now() where id = 1;
              update item set name = 'n1', updated_at = now() where id = 2;
              update item set name = 'n2', updated_at = now() where id = 1",
        )
        .await;
    chain.followed().await;
    let run = chain.sync().batch_size(1).await.expect_ok();
    assert_eq!(run.json["retries"], 0, "{run}");
    chain.assert_same().await;
}

#[tokio::test]
async fn a_table_that_cannot_be_read_on_a_standby_fails_alone() {
    let chain = Chain::start().await;
    let holder = Session::open(&chain.primary.url("postgres")).await;
    holder.run("begin; lock table other in access exclusive mode").await;
    chain.followed().await;
    let run = chain.sync().args(&["-lock-timeout", "300ms", "-retries", "0"]).await;
    run.expect_failed("other", &["lock timeout"]);
    assert_eq!(chain.db.target_value("select count(*) from item").await, "1000");
    assert_eq!(chain.db.target_value("select count(*) from third").await, "1000");
    holder.run("rollback").await;
    chain.followed().await;
    chain.sync().await.expect_ok();
    chain.assert_same().await;
}

#[tokio::test]
async fn another_round_follows_when_the_only_reader_is_lost() {
    let chain = Chain::start().await;
    let blocker = chain.db.target_session().await;
    blocker.run("begin; lock table item, other, third in exclusive mode").await;
    let run = chain.sync().start();
    chain.db.until_blocked().await;
    let ended = "select count(pg_terminate_backend(pid)) > 0 from pg_stat_activity
        where application_name = 'pgsync' and state = 'idle in transaction'";
    chain.reader.until(ended).await;
    blocker.run("rollback").await;
    run.end().await.expect_ok();
    chain.assert_same().await;
}
