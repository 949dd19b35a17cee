//! What writers set `updated_at` to. Their clocks differ by as much as the default overlap allows: hours
//! in a column without a zone (sessions in several zones, the end of summer time), seconds in one with it.

use crate::support::Random;

const MINUTES: u64 = 60;
/// The overlap of a `timestamp`; of a `date` it is two days, which two values so far apart keep.
const OVERLAP_HOURS: u64 = 26;
/// More than this ahead of UTC is no clock that is wrong, but a date in the future.
const AHEAD_HOURS: i64 = 14;

/// The clocks of the writers of one table.
#[derive(Clone)]
pub struct Clocks {
    /// The type of the column.
    pub kind: &'static str,
    /// The slowest one's distance from UTC.
    slowest_minutes: i64,
}

impl Clocks {
    pub fn random(random: &mut Random) -> Self {
        let kinds = ["timestamptz", "timestamptz", "timestamp", "timestamp", "date"];
        let spare = random.below(13 * MINUTES) as i64;
        let fastest = AHEAD_HOURS * MINUTES as i64 - spare;
        Self {
            kind: kinds[random.below(5) as usize],
            slowest_minutes: fastest - (OVERLAP_HOURS * MINUTES) as i64,
        }
    }

    /// The present, as one of the writers sees it.
    pub fn now(&self, random: &mut Random) -> String {
        if self.kind == "timestamptz" {
            let moments = ["0 s", "0 s", "-20 s", "5 h"];
            let moment = moments[random.below(4) as usize];
            return format!("(clock_timestamp() + interval '{moment}')");
        }
        // The ends are the hardest: half of the writers are there.
        let span = OVERLAP_HOURS * MINUTES;
        let place = [0, span, random.below(span), random.below(span)][random.below(4) as usize];
        let minutes = self.slowest_minutes + place as i64;
        format!("(timezone('UTC', clock_timestamp()) + interval '{minutes} min')::{}", self.kind)
    }
}
