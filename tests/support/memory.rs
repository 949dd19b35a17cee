//! How much memory a run takes.

use crate::support::{Outcome, Running};

/// What the promised 64 MiB of README leave beside the code of a release, which takes 15 MiB; in KiB.
pub const PROMISED: u64 = 49 * 1024;

/// The run's outcome, and the greatest size of its memory in KiB, without the files that it maps: the code of an unoptimized
/// program takes twice the place of a release's.
pub async fn peak(run: Running) -> (Outcome, u64) {
    let status = format!("/proc/{}/status", run.pid());
    let watch = tokio::task::spawn_blocking(move || {
        let mut peak = 0;
        // A program that has ended has no such line, until it is waited for.
        while let Some(now) = std::fs::read_to_string(&status).ok().as_deref().and_then(own_memory)
        {
            peak = now;
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        peak
    });
    let outcome = run.end().await;
    (outcome, watch.await.expect("the watch ends with the run"))
}

fn own_memory(status: &str) -> Option<u64> {
    let kib = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some(kib("VmHWM:")?.saturating_sub(kib("RssFile:")?))
}
