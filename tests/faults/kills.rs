//! `kill -9` at random moments of runs that copy, follow, compare and delete.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use crate::support::{Pair, Random, Sync};

const KILLS: u32 = 30;
const TABLES: [&str; 4] = ["inc", "cmp", "bag", "fresh"];
const SCHEMA: &str = "create table inc (id int primary key, n int, updated_at timestamptz);
    create table cmp (id int primary key, n int, body text); create table bag (id int, n int);
    create table fresh (id int primary key, n int, body text)";
const ROWS: &str = "
    insert into inc select i, 0, '2024-01-01'::timestamptz + i * interval '1 s' from generate_series(1, 2000) i;
    insert into cmp select i, 0, repeat('c', 100) from generate_series(1, 2000) i;
    insert into bag select i % 500, 0 from generate_series(1, 2000) i;
    insert into fresh select i, 0, repeat('f', 100) from generate_series(1, 2000) i";
/// Per table 300 rows change, 100 vanish and 100 come; `bag` has no key, so a change is both.
const CHANGES: &str = "
    update inc set n = n + 1, updated_at = '2024-02-01'::timestamptz + $n * interval '1 day' + id * interval '1 s'
      where id in (select id from inc order by id limit 300);
    delete from inc where id in (select id from inc order by id desc limit 100);
    insert into inc select 10000 + $n * 100 + i, 0, '2024-02-01'::timestamptz + $n * interval '1 day' + i * interval '1 s' from generate_series(1, 100) i;
    update cmp set n = n + 1 where id in (select id from cmp order by id limit 300);
    delete from cmp where id in (select id from cmp order by id desc limit 100);
    insert into cmp select 10000 + $n * 100 + i, 0, 'new' from generate_series(1, 100) i;
    insert into bag select i, $n from generate_series(1, 300) i; delete from bag where n = $n - 2;
    truncate fresh; insert into fresh select i, $n, repeat('f', 100) from generate_series(1, 2000) i";

struct Killed {
    db: Pair,
    /// Every row that the source ever had, per table.
    history: BTreeMap<&'static str, HashSet<String>>,
    phases: BTreeMap<String, u32>,
    kills: u32,
}

#[tokio::test]
async fn a_run_killed_at_any_moment_is_continued_by_the_next() {
    let mut random = Random::seeded();
    let db = Pair::with(SCHEMA).await;
    db.source("set timezone = 'UTC'").await;
    db.target("set timezone = 'UTC'").await;
    db.source(ROWS).await;
    let mut killed = Killed { db, history: BTreeMap::new(), phases: BTreeMap::new(), kills: 0 };
    let mut span = Duration::from_millis(400);
    let mut cycle = 0;
    while killed.kills < KILLS {
        killed.remember().await;
        let last: u64 =
            killed.db.target_value(&killed.last_id().await).await.parse().unwrap_or_default();
        for number in 0..6 {
            let moment = span.mul_f64(random.below(1000) as f64 / 1000.0);
            // Much of a short run is connecting and planning: two of three fall later.
            killed.kill_after(moment, (number % 3 > 0).then_some(span)).await;
        }
        let begun = Instant::now();
        killed.sync().await.expect_ok();
        span = begun.elapsed();
        killed.db.assert_all_same().await;
        killed.counted_once(last, cycle).await;
        cycle += 1;
        killed.db.source(&CHANGES.replace("$n", &cycle.to_string())).await;
        // The next cycle begins with a first copy of one table.
        killed.db.target("truncate fresh").await;
    }
    killed.report();
}

impl Killed {
    fn sync(&self) -> Sync<'_> {
        self.db.sync().while_writing().no_overlap().batch_size(10).parallel(2)
    }

    async fn remember(&mut self) {
        for table in TABLES {
            let rows = self.db.source.column(&format!("select t::text from {table} t")).await;
            self.history.entry(table).or_default().extend(rows);
        }
    }

    async fn last_id(&self) -> String {
        match self.db.target_value("select to_regclass('sync_log') is null").await.as_str() {
            "t" => "select 0".to_string(),
            _ => "select coalesce(max(id), 0) from sync_log".to_string(),
        }
    }

    /// From the start of the run or, within a time, from that of its first table.
    async fn kill_after(&mut self, moment: Duration, at_work_within: Option<Duration>) {
        let mut filled = HashSet::new();
        for table in TABLES {
            if self.count(table).await > 0 {
                filled.insert(table);
            }
        }
        let last = self.db.target_value(&self.last_id().await).await;
        let (run, begun) = (self.sync().start(), Instant::now());
        while at_work_within.is_some_and(|limit| begun.elapsed() < limit)
            && self.db.target_value(&self.last_id().await).await == last
        {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(moment).await; // the moment itself is what is tested
        run.signal("KILL");
        let ended = run.end().await.status;
        self.db.until_no_sessions().await;
        let phase = self.phase(&last, ended).await;
        *self.phases.entry(phase).or_default() += 1;
        self.kills += u32::from(ended == 137);
        for table in TABLES {
            let rows = self.db.target.column(&format!("select t::text from {table} t")).await;
            let strange = rows.iter().find(|row| !self.history[table].contains(*row));
            assert_eq!(strange, None, "{table} holds a row that the source never had");
            assert!(!filled.contains(table) || !rows.is_empty(), "{table} was emptied");
        }
        self.log_is_true(&last).await;
    }

    async fn count(&self, table: &str) -> u64 {
        let count = self.db.target_value(&format!("select count(*) from {table}")).await;
        count.parse().unwrap_or_default()
    }

    /// What the killed run had under way.
    async fn phase(&self, last: &str, ended: i32) -> String {
        if ended != 137 {
            return "after its end".to_string();
        }
        if self.last_id().await == "select 0" {
            return "before the log".to_string();
        }
        let said = format!(
            "select coalesce(string_agg(distinct sync_type || case when batches > 0 then ' (batches done)' else '' end, ', ')
               filter (where status = 'running'), case when count(*) = 0 then 'before the first table' else 'between tables' end)
             from sync_log where id > {last}"
        );
        self.db.target_value(&said).await
    }

    /// A table that the log calls a success holds what the source holds.
    async fn log_is_true(&self, last: &str) {
        if self.last_id().await == "select 0" {
            return;
        }
        let done = format!(
            "select distinct table_name from sync_log where id > {last} and status = 'success'"
        );
        for table in self.db.target.column(&done).await {
            self.db.assert_same(&table).await;
        }
    }

    /// Counters commit with the data: over all runs of a cycle each change is counted once, however
    /// often it was tried, and rows of committed batches have not travelled again.
    async fn counted_once(&self, last: u64, cycle: u32) {
        let sums = |table: &str| {
            format!(
                "select sum(rows_inserted) || ' ' || sum(rows_updated) || ' ' || sum(rows_deleted)
                 from sync_log where id > {last} and table_name = '{table}'"
            )
        };
        let expected = match cycle {
            0 => "2000 0 0",
            _ => "100 300 100",
        };
        for table in ["inc", "cmp"] {
            assert_eq!(
                self.db.target_value(&sums(table)).await,
                expected,
                "{table}, cycle {cycle}"
            );
        }
        assert_eq!(self.db.target_value(&sums("fresh")).await, "2000 0 0", "cycle {cycle}");
        let travelled = |what: &str| {
            format!("select sum({what}) from sync_log where id > {last} and table_name = 'inc'")
        };
        let number = async |what| -> u64 {
            self.db.target_value(&travelled(what)).await.parse().unwrap_or_default()
        };
        // The last row of the last batch may come again with every run.
        let most = if cycle == 0 { 2000 } else { 400 + 7 };
        let (rows, bytes) = (number("rows_processed").await, number("bytes").await);
        assert!(rows <= most && bytes <= most * 60, "{rows} rows of {bytes} bytes, cycle {cycle}");
    }

    #[allow(clippy::print_stderr)] // the count is what this test is asked for
    fn report(&self) {
        eprintln!("{} kills, by what was under way:", self.kills);
        self.phases.iter().for_each(|(phase, count)| eprintln!("  {count:3} {phase}"));
    }
}
