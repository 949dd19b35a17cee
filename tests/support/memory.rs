//! How much memory a run takes.

use crate::support::{Outcome, Running};

/// The run's outcome, and its greatest resident size in KiB.
pub async fn peak(run: Running) -> (Outcome, u64) {
    let status = format!("/proc/{}/status", run.pid());
    let watch = tokio::task::spawn_blocking(move || {
        let mut peak = 0;
        // A program that has ended has no such line, until it is waited for.
        while let Some(now) = std::fs::read_to_string(&status).ok().as_deref().and_then(resident) {
            peak = now;
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        peak
    });
    let outcome = run.end().await;
    (outcome, watch.await.expect("the watch ends with the run"))
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
