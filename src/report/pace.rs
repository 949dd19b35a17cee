//! How far a table is and how long it still takes, as far as that can be told. Pure: whoever asks
//! says what time it is.

use std::time::Duration;

/// Before that a rate says little.
const LEAST: Duration = Duration::from_millis(500);

/// What has travelled, of how much, and in what time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    pub rows: u64,
    /// How many rows will travel in all, as far as anybody knows.
    pub estimate: Option<u64>,
    /// Since the first rows travelled.
    pub moving: Duration,
}

impl Pace {
    /// Rows per second.
    pub fn rate(self) -> Option<f64> {
        let known = self.rows > 0 && self.moving > LEAST;
        known.then(|| self.rows as f64 / self.moving.as_secs_f64())
    }

    /// The share that is done, in per cent. A table that outgrew its estimate has none.
    pub fn share(self) -> Option<u64> {
        let estimate = self.estimate.filter(|estimate| *estimate >= self.rows.max(1))?;
        Some(self.rows * 100 / estimate)
    }

    /// How long it still takes, if it goes on like this.
    pub fn left(self) -> Option<Duration> {
        self.share()?;
        let rows = self.estimate?.saturating_sub(self.rows);
        Duration::try_from_secs_f64(rows as f64 / self.rate()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_from_what_has_travelled() {
        let cases = [
            ((500, Some(2000), 10), (Some(25), Some(30))),
            ((0, Some(2000), 10), (Some(0), None)),
            ((500, None, 10), (None, None)),
            ((500, Some(2000), 0), (Some(25), None)),
            ((2500, Some(2000), 10), (None, None)),
            ((2000, Some(2000), 10), (Some(100), Some(0))),
            ((0, Some(0), 10), (None, None)),
        ];
        for ((rows, estimate, seconds), (share, left)) in cases {
            let pace = Pace { rows, estimate, moving: Duration::from_secs(seconds) };
            assert_eq!(pace.share(), share, "{pace:?}");
            assert_eq!(pace.left(), left.map(Duration::from_secs), "{pace:?}");
        }
    }
}
