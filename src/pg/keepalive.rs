//! How a peer that has gone without a word is noticed. A statement may take hours: a living peer's
//! system answers keepalives and acknowledges data all the while, so only a dead one is given up.

use std::time::Duration;

use tokio_postgres::Config;

use crate::config::conninfo::Keepalive;

/// A silent peer is asked for a sign of life after this, this often, and this many times.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(30), Duration::from_secs(10), 3);
/// How long data may wait for the peer's acknowledgement. Keepalives do not run meanwhile, and without
/// this the kernel goes on for a quarter of an hour. It also ends a connection whose peer is alive but
/// takes no data for as long, so the time that a statement may wait for a lock is added.
const UNACKNOWLEDGED: Duration = Duration::from_secs(60);

/// Sets what the user chose, and what is right for a session that waits for locks as long as this.
pub(super) fn limit(config: &mut Config, said: &Keepalive, lock_timeout: Duration) {
    let (idle, interval, count) = KEEPALIVE;
    let unacknowledged = UNACKNOWLEDGED.saturating_add(lock_timeout);
    config.keepalives(!said.unasked);
    if let Some(idle) = chosen(said.idle, idle) {
        config.keepalives_idle(idle);
    }
    if let Some(interval) = chosen(said.interval, interval) {
        config.keepalives_interval(interval);
    }
    if let Some(count) = chosen(said.count, count) {
        config.keepalives_retries(count);
    }
    if let Some(time) = chosen(said.unacknowledged, unacknowledged) {
        config.tcp_user_timeout(time);
    }
}

/// None is the operating system's choice, which the user asks for with a zero.
fn chosen<T: Default + PartialEq>(said: Option<T>, own: T) -> Option<T> {
    Some(said.unwrap_or(own)).filter(|value| *value != T::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(said: &Keepalive) -> (bool, u64, Option<u64>, Option<u32>, Option<u128>) {
        let mut config = Config::new();
        limit(&mut config, said, Duration::from_secs(30));
        (
            config.get_keepalives(),
            config.get_keepalives_idle().as_secs(),
            config.get_keepalives_interval().map(|time| time.as_secs()),
            config.get_keepalives_retries(),
            config.get_tcp_user_timeout().map(Duration::as_millis),
        )
    }

    #[test]
    fn a_silent_peer_is_asked_and_given_up_unless_the_user_says_otherwise() {
        let seconds = |number| Some(Duration::from_secs(number));
        assert_eq!(limited(&Keepalive::default()), (true, 30, Some(10), Some(3), Some(90_000)));
        let said = Keepalive {
            unasked: true,
            idle: seconds(1),
            interval: seconds(2),
            count: Some(4),
            unacknowledged: seconds(5),
        };
        assert_eq!(limited(&said), (false, 1, Some(2), Some(4), Some(5_000)));
        let zero = Keepalive {
            unasked: false,
            idle: seconds(0),
            interval: seconds(0),
            count: Some(0),
            unacknowledged: seconds(0),
        };
        assert_eq!(limited(&zero), (true, 7_200, None, None, None));
    }
}
