//! When the next run is due: an interval after the last one began, a little later at random, and ever
//! later while runs fail. Pure. Counted on a clock that nobody sets, so neither summer time nor a
//! corrected clock moves it.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The longest pause after a failed run, unless the interval itself is longer.
const LONGEST: Duration = Duration::from_secs(600);

/// What doubles after failures, where there is no interval to double.
const SHORTEST: Duration = Duration::from_secs(1);

/// A share of the interval, at most, that is added at random: a hundred programs that start together
/// do not meet at the server for ever.
const JITTER: f64 = 0.05;

/// How a run ended, as far as the next one is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Success,
    Failure,
    /// Another run was at work.
    Skip,
}

/// The intervals of runs that follow each other.
#[derive(Clone, Debug)]
pub struct Schedule {
    every: Duration,
    /// In a row.
    failures: u32,
}

impl Schedule {
    /// Without a failure yet.
    pub fn new(every: Duration) -> Self {
        Self { every, failures: 0 }
    }

    /// Another interval; failures are not forgotten.
    pub fn change(&mut self, every: Duration) {
        self.every = every;
    }

    /// Takes note of an ending. A skip says nothing about whether runs succeed.
    pub fn ended(&mut self, ending: Ending) {
        match ending {
            Ending::Success => self.failures = 0,
            Ending::Failure => self.failures = self.failures.saturating_add(1),
            Ending::Skip => {}
        }
    }

    /// The time from the start of the last run to that of the next.
    pub fn interval(&self) -> Duration {
        let chance = RandomState::new().hash_one(()) as f64 / u64::MAX as f64;
        self.pause() + self.every.mul_f64(JITTER * chance)
    }

    fn pause(&self) -> Duration {
        if self.failures == 0 {
            return self.every;
        }
        let doubled = self.every.max(SHORTEST).saturating_mul(1 << self.failures.min(16));
        doubled.min(LONGEST).max(self.every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(every: u64, endings: &[Ending]) -> Vec<u64> {
        let mut schedule = Schedule::new(Duration::from_secs(every));
        let pause = |ending: &Ending| {
            schedule.ended(*ending);
            schedule.pause().as_secs()
        };
        endings.iter().map(pause).collect()
    }

    #[test]
    fn the_pause_doubles_after_each_failure_up_to_ten_minutes_and_success_resets_it() {
        use Ending::{Failure, Skip, Success};
        let endings = [Success, Failure, Failure, Skip, Failure, Failure, Failure, Success];
        assert_eq!(pauses(30, &endings), [30, 60, 120, 120, 240, 480, 600, 30]);
        assert_eq!(pauses(0, &endings), [0, 2, 4, 4, 8, 16, 32, 0]);
        assert_eq!(pauses(3600, &endings), [3600; 8]);
        assert_eq!(pauses(1, &[Failure; 40])[39], 600);
    }

    #[test]
    fn a_little_is_added_at_random() {
        let schedule = Schedule::new(Duration::from_secs(100));
        for _ in 0..100 {
            let interval = schedule.interval().as_secs_f64();
            assert!((100.0..=105.0).contains(&interval), "{interval}");
        }
        assert_eq!(Schedule::new(Duration::ZERO).interval(), Duration::ZERO);
    }
}
