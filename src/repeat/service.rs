//! What systemd is told: that the program is ready, what it is doing, and that it is alive. Without
//! systemd nothing is told to anybody.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::task::AbortHandle;

/// Tells systemd that the program lives until it is dropped.
pub struct Service {
    watchdog: Option<AbortHandle>,
}

impl Service {
    /// Ready for work. Where systemd watches, it hears twice in its interval that tasks are served.
    pub fn ready() -> Self {
        tell(&[NotifyState::Ready, NotifyState::Status("the first run is under way")]);
        let beat = |limit: Duration| tokio::spawn(beat(limit / 2)).abort_handle();
        Self { watchdog: sd_notify::watchdog_enabled().map(beat) }
    }

    /// One line about what the program does.
    pub fn status(&self, text: &str) {
        tell(&[NotifyState::Status(text)]);
    }

    /// The configuration is being read again; `ready_again` follows.
    pub fn reloading(&self) {
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            tell(&[NotifyState::Reloading, now]);
        }
    }

    /// The end of what `reloading` began.
    pub fn ready_again(&self) {
        tell(&[NotifyState::Ready]);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        tell(&[NotifyState::Stopping]);
        if let Some(watchdog) = &self.watchdog {
            watchdog.abort();
        }
    }
}

async fn beat(interval: Duration) {
    let mut beats = tokio::time::interval(interval.max(Duration::from_millis(1)));
    loop {
        beats.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

/// A socket that does not listen is systemd's affair.
fn tell(states: &[NotifyState]) {
    let _ = sd_notify::notify(states);
}
