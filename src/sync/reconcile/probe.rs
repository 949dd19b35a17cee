//! The look that an unchanged table costs: one round trip per side, both sides at once, and for many
//! tables all at once on the same two sessions.

use std::iter::once;

use futures_util::future::try_join_all;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::outcome::Strategy;
use crate::pg::Session;
use crate::plan::TablePlan;
use crate::source::{Answer, Asked, Lock, Question, Reader};
use crate::sql::horizon::Horizon;
use crate::sql::mapping::TableMapping;
use crate::sql::query::{DigestQuery, RowScope, Since};
use crate::target_side;

/// Rows of a window that a look digests; a window with more is digested later, on its own.
const WINDOW: u64 = 10_000;
/// The same of a table with masks or a filter: a row costs several times as much, and the digest of a window
/// that turns out to be larger is taken for nothing.
const RULED_WINDOW: u64 = 1_000;
/// A compared table with more rows than this is not looked at: its buckets answer both questions.
const SMALL: u64 = 20_000;
/// A table with fewer rows than this is digested whole: one statement costs less than three.
const TINY: u64 = 1_000;
/// Tables that are asked about in one message.
const TOGETHER: usize = 16;

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
    /// The digest of all rows of the source, where the look has it.
    pub source_rows: Option<Digest>,
    /// Whether the source was not read, for nobody has written to it.
    pub untouched: bool,
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
            source_rows: None,
            untouched: false,
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
    pub source: &'a Reader,
    pub target: &'a Session,
    pub lock: Lock,
}

/// Looks at several tables, all at once.
///
/// # Errors
/// Those of any table.
pub async fn probes(
    plans: &[&TablePlan],
    horizon: &Horizon,
    at: Sessions<'_>,
) -> Result<Vec<Probe>> {
    let (together, alone): (Vec<usize>, Vec<usize>) = (0..plans.len())
        .partition(|place| plans[*place].is_source_read() && is_tiny(plans[*place]));
    let some = |places: &[usize]| places.iter().map(|place| plans[*place]).collect();
    let groups: Vec<Vec<&TablePlan>> = together.chunks(TOGETHER).map(some).collect();
    let groups = groups.iter().map(|plans| whole_of_several(plans, horizon, at));
    let others = alone.iter().map(|place| probe(plans[*place], horizon, at));
    let (groups, others) = tokio::try_join!(try_join_all(groups), try_join_all(others))?;
    let settle = async |place: usize, whole: Probe| {
        let plan = plans[place];
        if settles(plan, &whole) { Ok(whole) } else { closer(plan, horizon, at).await }
    };
    let wholes = together.iter().copied().zip(groups.into_iter().flatten());
    let settled = wholes.map(|(place, whole)| settle(place, whole));
    let settled = try_join_all(settled).await?;
    let mut probes: Vec<(usize, Probe)> =
        together.iter().copied().zip(settled).chain(alone.iter().copied().zip(others)).collect();
    probes.sort_unstable_by_key(|(place, _)| *place);
    Ok(probes.into_iter().map(|(_, probe)| probe).collect())
}

/// Looks at one table.
///
/// # Errors
/// Those of both sides.
pub async fn probe(plan: &TablePlan, horizon: &Horizon, at: Sessions<'_>) -> Result<Probe> {
    if let Some(probe) = untouched(plan, at).await? {
        return Ok(probe);
    }
    if is_tiny(plan) {
        let probe = whole(plan, horizon, at).await?;
        if settles(plan, &probe) {
            return Ok(probe);
        }
    }
    closer(plan, horizon, at).await
}

/// Whether a table is digested whole at first.
fn is_tiny(plan: &TablePlan) -> bool {
    match plan.strategy {
        Strategy::Incremental => {
            plan.timestamp.is_some() && plan.watermark.is_some() && plan.rows < TINY
        }
        Strategy::Compare => plan.rows <= SMALL,
        Strategy::Copy => false,
    }
}

/// Whether no closer look is needed than that at the whole table.
fn settles(plan: &TablePlan, whole: &Probe) -> bool {
    plan.strategy == Strategy::Compare || whole.unchanged()
}

/// Looks where a table differs, if it has a place to go on from.
async fn closer(plan: &TablePlan, horizon: &Horizon, at: Sessions<'_>) -> Result<Probe> {
    match (plan.strategy, &plan.timestamp, &plan.watermark) {
        (Strategy::Incremental, Some(timestamp), Some(watermark)) => {
            incremental(plan, Since { timestamp, from: watermark }, horizon, at).await
        }
        _ => {
            at.source.check_not_rewritten("looking at the table", plan, at.lock).await?;
            Ok(Probe::blank())
        }
    }
}

/// A digest of the target alone, where that of the source is known; none where they are not the same.
async fn untouched(plan: &TablePlan, at: Sessions<'_>) -> Result<Option<Probe>> {
    let Some(source) = plan.rows_before.digest.filter(|_| !plan.is_source_read()) else {
        return Ok(None);
    };
    let all = DigestQuery::Rows(RowScope::Table);
    let target = target_side::digest::rows(at.target, "digesting rows", &plan.mapping, all).await?;
    let probe = Probe {
        window: Window::Equal,
        timeless_equal: true,
        keys_equal: true,
        rows: source.rows,
        source_rows: Some(source),
        untouched: true,
        ..Probe::blank()
    };
    Ok((source == target).then_some(probe))
}

/// Digests of the whole table, and the source's greatest timestamp where there is one to go on from.
async fn whole(plan: &TablePlan, horizon: &Horizon, at: Sessions<'_>) -> Result<Probe> {
    whole_of_several(&[plan], horizon, at).await?.pop().ok_or_else(incomplete)
}

/// As [`whole`], for each of several tables, in one message to either side.
async fn whole_of_several(
    plans: &[&TablePlan],
    horizon: &Horizon,
    at: Sessions<'_>,
) -> Result<Vec<Probe>> {
    let digest = Question::Digest(DigestQuery::Rows(RowScope::Table));
    let mut questions: Vec<Vec<Question<'_>>> = Vec::new();
    for plan in plans {
        let greatest = plan.timestamp.iter();
        let greatest = greatest.map(|timestamp| Question::Greatest { timestamp, horizon });
        questions.push(once(digest).chain(greatest).collect());
    }
    let asked = plans.iter().zip(&questions).map(|(plan, questions)| Asked { plan, questions });
    let asked: Vec<Asked<'_>> = asked.collect();
    let mappings: Vec<&TableMapping> = plans.iter().map(|plan| &plan.mapping).collect();
    let doing = "digesting rows";
    let (answers, targets) = tokio::try_join!(
        at.source.answers_of_several(doing, at.lock, &asked),
        target_side::digest::tables(at.target, doing, &mappings),
    )?;
    if answers.len() != plans.len() || targets.len() != plans.len() {
        return Err(incomplete());
    }
    answers.into_iter().zip(targets).map(|(answers, target)| found(answers, target)).collect()
}

fn found(answers: Vec<Answer>, target: Digest) -> Result<Probe> {
    let source = answers.first().ok_or_else(incomplete)?.digest;
    let equal = source == target;
    Ok(Probe {
        window: if equal { Window::Equal } else { Window::Differs },
        timeless_equal: equal,
        keys_equal: equal,
        rows: source.rows.max(target.rows),
        source_rows: Some(source),
        greatest: answers.into_iter().nth(1).and_then(|answer| answer.greatest),
        ..Probe::blank()
    })
}

/// Whether both sides hold the same rows of a table.
pub async fn same_rows(plan: &TablePlan, at: Sessions<'_>) -> Result<bool> {
    let all = DigestQuery::Rows(RowScope::Table);
    let questions = [Question::Digest(all)];
    let (answers, target) = tokio::try_join!(
        at.source.answers("digesting rows", plan, at.lock, &questions),
        target_side::digest::rows(at.target, "digesting rows", &plan.mapping, all),
    )?;
    Ok(answers.first().is_some_and(|answer| answer.digest == target))
}

/// Digests of all keys, of the window and of the rows without a timestamp.
async fn incremental(
    plan: &TablePlan,
    since: Since<'_>,
    horizon: &Horizon,
    at: Sessions<'_>,
) -> Result<Probe> {
    let limit = window_limit(plan);
    let queries = [
        DigestQuery::Keys,
        DigestQuery::FirstSince { since, limit, horizon },
        DigestQuery::Rows(RowScope::WithoutTimestamp(since.timestamp)),
    ];
    let questions = queries.map(Question::Digest);
    let (source, target) = tokio::try_join!(
        at.source.answers("digesting keys", plan, at.lock, &questions),
        target_side::digest::all(at.target, "digesting keys", &plan.mapping, &queries),
    )?;
    compared(&source, &target, limit)
}

fn window_limit(plan: &TablePlan) -> u64 {
    if plan.mapping.source.view.is_some() { RULED_WINDOW } else { WINDOW }
}

/// What the answers of both sides say, if a window of `limit` rows is full.
fn compared(source: &[Answer], target: &[Digest], limit: u64) -> Result<Probe> {
    let ([keys, window, timeless], [target_keys, target_window, target_timeless]) =
        (source, target)
    else {
        return Err(incomplete());
    };
    let is_full = |digest: &Digest| digest.rows == limit;
    let found = match (is_full(&window.digest), is_full(target_window)) {
        (true, true) => Window::Large,
        (false, false) if window.digest == *target_window => Window::Equal,
        _ => Window::Differs,
    };
    Ok(Probe {
        window: found,
        timeless_equal: timeless.digest == *target_timeless,
        keys_equal: keys.digest == *target_keys,
        source_keys: Some(keys.digest),
        target_keys: Some(*target_keys),
        source_window: (window.digest.rows < limit).then_some(window.digest),
        rows: keys.digest.rows.max(target_keys.rows),
        greatest: window.greatest.clone().filter(|_| found == Window::Equal),
        ..Probe::blank()
    })
}

fn incomplete() -> Error {
    Error::Internal("a look came back incomplete".to_owned())
}
