//! When a peer that says nothing any more is given up: libpq's `keepalives…` and `tcp_user_timeout`.

use std::time::Duration;

use super::resolve::Reader;

/// What the user says about it; `pg` decides the rest. Zero leaves it to the operating system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keepalive {
    /// `keepalives=0`: an idle peer is never asked for a sign of life.
    pub unasked: bool,
    pub idle: Option<Duration>,
    pub interval: Option<Duration>,
    pub count: Option<u32>,
    /// How long data may wait for the peer's acknowledgement.
    pub unacknowledged: Option<Duration>,
}

/// Reads the five parameters of the TCP connection; wrong numbers are added to the reader's
/// problems.
pub fn read(reader: &mut Reader) -> Keepalive {
    let mut number = |name, what| reader.number(name, what);
    let seconds = |number: u32| Duration::from_secs(number.into());
    Keepalive {
        unasked: number("keepalives", "is no number") == Some(0),
        idle: number("keepalives_idle", SECONDS).map(seconds),
        interval: number("keepalives_interval", SECONDS).map(seconds),
        count: number("keepalives_count", "is no number"),
        unacknowledged: number("tcp_user_timeout", "is no number of milliseconds")
            .map(|number| Duration::from_millis(number.into())),
    }
}

pub(super) const SECONDS: &str = "is no number of seconds";
