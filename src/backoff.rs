//! How long it is waited before something is tried again.

use std::time::Duration;

use crate::stop::Stop;

/// The first pause before something is tried again; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// A pause before try number `retries`, cut short by a stop.
pub async fn pause(stop: &mut Stop, retries: u32) {
    let pause = PAUSE.saturating_mul(1 << (retries - 1).min(16)).min(LONGEST_PAUSE);
    tokio::select! {
        _ = tokio::time::sleep(pause) => {}
        _ = stop.wait() => {}
    }
}
