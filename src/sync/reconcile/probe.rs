//! The look that an unchanged table costs: one round trip per side, both sides at once, and for many
//! tables all at once on the same two sessions.

use super::Digest;
use crate::error::{Error, Result, Side};
use crate::ident::Ident;
use crate::outcome::Strategy;
use crate::pg::{Row, Session};
use crate::plan::TablePlan;
use crate::source::{IMPORT_AGAIN, check_not_rewritten, import_again};
use crate::sql::digest::DigestOf;
use crate::sql::horizon::Horizon;
use crate::sql::{Sql, sql};

/// Rows of a window that a look digests; a window with more is digested later, on its own.
const WINDOW: u64 = 10_000;
/// A compared table with more rows than this is not looked at: its buckets answer both questions.
const SMALL: u64 = 20_000;
/// A table with fewer rows than this is digested whole: one statement costs less than three.
const TINY: u64 = 1_000;

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    pub window: Window,
    pub timeless_equal: bool,
    pub keys_equal: bool,
    /// The digests of all keys, where they were taken.
    pub source_keys: Option<Digest>,
    pub target_keys: Option<Digest>,
    /// The digest of the source's window, where it was taken.
    pub source_window: Option<Digest>,
    /// The larger side's rows, when they were counted.
    pub rows: u64,
    /// The greatest timestamp of the source, when the look saw it.
    pub greatest: Option<String>,
}

/// The rows from the watermark on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    Equal,
    Differs,
    /// Too many for a look, as many on both sides.
    Large,
}

impl Probe {
    /// A probe that found nothing out: everything may differ.
    pub fn blank() -> Self {
        Self {
            window: Window::Differs,
            timeless_equal: false,
            keys_equal: false,
            source_keys: None,
            target_keys: None,
            source_window: None,
            rows: 0,
            greatest: None,
        }
    }

    /// Whether the window, the rows without a timestamp and the keys were all found equal.
    pub fn unchanged(&self) -> bool {
        self.window == Window::Equal && self.timeless_equal && self.keys_equal
    }
}

/// Where a table is looked at: a session of each side, and what becomes of the source's lock.
#[derive(Clone, Copy)]
pub struct Sessions<'a> {
    pub source: &'a Session,
    pub target: &'a Session,
    pub lock: Lock,
}

/// The lock that a read of a table leaves on the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// The table is read on: until then nobody may empty it.
    Kept,
    /// Whoever reads the table later looks first whether it is still the same one.
    LetGo,
}

/// Looks at one table.
pub async fn probe(plan: &TablePlan, horizon: &Horizon, at: Sessions<'_>) -> Result<Probe> {
    match (plan.strategy, &plan.timestamp, &plan.watermark) {
        (Strategy::Incremental, Some(timestamp), Some(watermark)) => {
            if plan.rows < TINY {
                let probe = whole(plan, horizon, at).await?;
                if probe.unchanged() {
                    return Ok(probe);
                }
            }
            let statements = |side| {
                let window = timestamp.window(side, watermark);
                let in_time = timestamp.in_time(side, horizon);
                incremental(plan, side, &window, (&timestamp.column, &in_time))
            };
            let (here, there) = ([statements(Side::Source)], statements(Side::Target));
            let (here, there) = tokio::try_join!(
                read_in_snapshot(plan, at.source, at.lock, "digesting keys", &here),
                at.target.query_all("digesting keys", &there),
            )?;
            judge(&SideProbe::new(here)?, &SideProbe::new(there.into_iter().flatten())?)
        }
        (Strategy::Compare, _, _) if plan.rows <= SMALL => whole(plan, horizon, at).await,
        _ => {
            read_in_snapshot(plan, at.source, at.lock, "looking at the table", &[])
                .await
                .map(drop)?;
            Ok(Probe::blank())
        }
    }
}

/// The rows that the source answers, once it is sure that it still has the snapshot's table: the first
/// statement holds it, in which others than reads of the table must not stand.
pub async fn read_in_snapshot(
    plan: &TablePlan,
    source: &Session,
    lock: Lock,
    doing: &str,
    statements: &[Sql],
) -> Result<impl Iterator<Item = Row> + use<>> {
    let relation = &plan.mapping.source;
    let held = [relation.lock_against_truncate()];
    let reads = if statements.is_empty() { &held[..] } else { statements };
    let let_go = source.snapshot().filter(|_| lock == Lock::LetGo).map(import_again);
    let storage = [relation.storage()];
    let all = Sql::join(reads.iter().chain(&storage).chain(&let_go), "; ");
    let mut answers = source.query_all(doing, &all).await?;
    if let_go.is_some() {
        answers.truncate(answers.len().saturating_sub(IMPORT_AGAIN));
    }
    let storage = answers.pop().unwrap_or_default();
    check_not_rewritten(&plan.storage, storage.first())?;
    Ok(answers.into_iter().flatten())
}

/// Digests of the whole table, and the source's greatest timestamp where there is one to go on from.
async fn whole(plan: &TablePlan, horizon: &Horizon, at: Sessions<'_>) -> Result<Probe> {
    let digest = |side| plan.mapping.digest(side, DigestOf::Rows, None);
    let greatest =
        plan.timestamp.iter().map(|timestamp| timestamp.greatest(&plan.mapping, horizon));
    let here: Vec<Sql> = std::iter::once(digest(Side::Source)).chain(greatest).collect();
    let there = digest(Side::Target);
    let (mut here, there) = tokio::try_join!(
        read_in_snapshot(plan, at.source, at.lock, "digesting rows", &here),
        at.target.row("digesting rows", &there),
    )?;
    let (Some(digest), greatest) = (here.next(), here.next()) else {
        return Err(Error::Internal("a look came back incomplete".to_owned()));
    };
    let (source, target) = (Digest::of(&digest)?, Digest::of(&there)?);
    let equal = source == target;
    let window = if equal { Window::Equal } else { Window::Differs };
    let rows = source.rows.max(target.rows);
    let greatest = greatest.and_then(|row| row.text(0).map(str::to_owned));
    let blank = Probe::blank();
    Ok(Probe { window, timeless_equal: equal, keys_equal: equal, rows, greatest, ..blank })
}

/// Whether both sides hold the same rows of a table.
pub async fn same_rows(plan: &TablePlan, at: Sessions<'_>) -> Result<bool> {
    let digest = |side| plan.mapping.digest(side, DigestOf::Rows, None);
    let (here, there) = ([digest(Side::Source)], digest(Side::Target));
    let (mut here, there) = tokio::try_join!(
        read_in_snapshot(plan, at.source, at.lock, "digesting rows", &here),
        at.target.row("digesting rows", &there),
    )?;
    let here = here.next();
    let alike = |column| here.as_ref().and_then(|row| row.text(column)) == there.text(column);
    Ok(alike(0) && alike(1))
}

fn incremental(plan: &TablePlan, side: Side, window: &Sql, in_time: (&Ident, &Sql)) -> Sql {
    let timeless = plan.timestamp.as_ref().map(|timestamp| timestamp.without_timestamp());
    sql!(
        "{keys}; {window}; {timeless}",
        keys = plan.mapping.digest(side, DigestOf::Keys, None),
        window = plan.mapping.digest_up_to(side, window, in_time, WINDOW),
        timeless = plan.mapping.digest(side, DigestOf::Rows, timeless.as_ref()),
    )
}

/// One side's answers.
struct SideProbe {
    keys: Row,
    window: Row,
    timeless: Row,
}

impl SideProbe {
    fn new(mut rows: impl Iterator<Item = Row>) -> Result<Self> {
        match (rows.next(), rows.next(), rows.next()) {
            (Some(keys), Some(window), Some(timeless)) => Ok(Self { keys, window, timeless }),
            _ => Err(Error::Internal("a look came back incomplete".to_owned())),
        }
    }
}

fn judge(source: &SideProbe, target: &SideProbe) -> Result<Probe> {
    let digests = |look: &SideProbe| {
        Ok((Digest::of(&look.keys)?, Digest::of(&look.window)?, Digest::of(&look.timeless)?))
    };
    let (source_keys, source_window, source_timeless) = digests(source)?;
    let (target_keys, target_window, target_timeless) = digests(target)?;
    let window = match (source_window.rows == WINDOW, target_window.rows == WINDOW) {
        (true, true) => Window::Large,
        (false, false) if source_window == target_window => Window::Equal,
        _ => Window::Differs,
    };
    Ok(Probe {
        window,
        timeless_equal: source_timeless == target_timeless,
        keys_equal: source_keys == target_keys,
        source_keys: Some(source_keys),
        target_keys: Some(target_keys),
        source_window: (source_window.rows < WINDOW).then_some(source_window),
        rows: source_keys.rows.max(target_keys.rows),
        greatest: match window {
            Window::Equal => source.window.text(2).map(str::to_owned),
            _ => None,
        },
    })
}
