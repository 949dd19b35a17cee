//! How a stop is honoured: statements may end, what takes longer is cancelled on the servers, and in the end
//! the run is left.

use std::time::Duration;

use super::endpoints::Endpoints;
use crate::event::Events;
use crate::outcome::TableOutcome;
use crate::stop::Stop;

/// How long a stop waits for batches to end before it cancels their statements, how long after that
/// it cancels what has begun since, and when it leaves whatever is under way.
const GRACE: Duration = Duration::from_millis(700);
const AGAIN: Duration = Duration::from_millis(200);
const LIMIT: Duration = Duration::from_millis(1700);

/// A stop that nothing could honour in time: a server that does not answer cannot cancel either.
pub(super) async fn hard_deadline(mut stop: Stop) {
    stop.wait().await;
    tokio::time::sleep(LIMIT).await;
}

/// The tables of a run that was left: how they ended as far as events have told it.
pub(super) fn left(tables: &mut [TableOutcome], events: &Events) {
    for outcome in tables {
        if let Some(ended) = events.outcome(&outcome.table) {
            *outcome = ended;
        }
    }
}

/// Does the work. A stop lets statements end; what takes longer is cancelled on the servers.
pub(super) async fn cancelled_on_stop<T>(
    stop: &Stop,
    endpoints: &Endpoints,
    work: impl Future<Output = T>,
) -> T {
    let mut work = std::pin::pin!(work);
    let mut stop = stop.clone();
    tokio::select! {
        done = &mut work => return done,
        _ = stop.wait() => {}
    }
    let mut wait = GRACE;
    loop {
        if let Ok(done) = tokio::time::timeout(wait, &mut work).await {
            return done;
        }
        // To their end: a request under way must not hit what follows the work.
        let cancelled = async {
            tokio::join!(endpoints.cancel_all(), tokio::time::timeout(AGAIN, &mut work)).1
        };
        match cancelled.await {
            Ok(done) => return done,
            Err(_) => wait = AGAIN,
        }
    }
}
