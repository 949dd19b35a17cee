//! The look for transactions that are open, before the snapshot is taken: how far everything has been seen,
//! and what cannot be seen.

use std::time::Duration;

use crate::error::Result;
use crate::pg::{Row, Session};
use crate::sql::horizon::Horizon;
use crate::sql::{Literal, Sql, sql};

/// The least distance from an unknown horizon.
const BLIND_OVERLAP: Duration = Duration::from_secs(300);

/// A standby that is further behind than this is worth a warning.
const LAG: Duration = Duration::from_secs(300);

/// How often prepared transactions are asked for again, and the pause before: those of a transaction manager
/// are committed within moments.
const LOOKS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(200);

/// Why the horizon is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Nobody can see there what is open on its primary.
    Standby,
    /// The role cannot see when other sessions began their transactions.
    Hidden,
    /// Transactions are prepared, and began nobody knows when.
    Prepared,
    /// A replication connection works on something, began nobody knows when.
    Walsender,
}

/// What a look found.
pub struct Visibility {
    pub horizon: Horizon,
    pub doubts: Vec<Doubt>,
    /// How far a standby is behind its primary, when that is worth a warning.
    pub lag: Option<Duration>,
}

/// Looks at the transactions of the source. Waits a little for prepared ones: when those that were prepared
/// at the look have ended before the snapshot, it was as good as if there had been none.
pub async fn observe(session: &Session, overlap: Option<Duration>) -> Result<Visibility> {
    let horizon = Sql::trusted(include_str!("horizon.sql"));
    let prepared = Sql::trusted(include_str!("prepared.sql"));
    let (seen, prepared) = tokio::try_join!(
        session.row("looking for open transactions", &horizon),
        session.rows("looking for prepared transactions", &prepared),
    )?;
    let unknown = match seen.text(2) {
        Some("standby") => Some(Doubt::Standby),
        Some(_) => Some(Doubt::Hidden),
        None => None,
    };
    let pending = still_prepared(session, &prepared).await?.then_some(Doubt::Prepared);
    let walsender = seen.is_true(3).then_some(Doubt::Walsender);
    let lag = seen.text(4).and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
    Ok(Visibility {
        horizon: Horizon {
            horizon: seen.needed(0)?.to_owned(),
            now: seen.needed(1)?.to_owned(),
            overlap,
            least_overlap: if unknown.is_some() { BLIND_OVERLAP } else { Duration::ZERO },
            held: pending.or(walsender).is_some(),
        },
        doubts: [unknown, pending, walsender].into_iter().flatten().collect(),
        lag: lag.filter(|lag| *lag > LAG),
    })
}

/// Whether any of the transactions is still prepared after a while.
async fn still_prepared(session: &Session, prepared: &[Row]) -> Result<bool> {
    let numbers = prepared.iter().filter_map(|row| row.text(0)).map(Literal);
    let numbers = Sql::join(numbers, ", ");
    let any = sql!(
        "select exists (select from pg_catalog.pg_prepared_xacts p where \
         p.transaction::pg_catalog.text operator(pg_catalog.=) any (array[{numbers}]::pg_catalog.text[]))",
        numbers = numbers,
    );
    for _ in 0..LOOKS {
        if prepared.is_empty()
            || !session.row("waiting for prepared transactions", &any).await?.is_true(0)
        {
            return Ok(false);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(true)
}
