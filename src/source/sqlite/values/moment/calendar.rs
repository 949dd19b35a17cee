//! The Gregorian calendar, for all years. A year of 0 is 1 BC here.

/// A day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub year: i64,
    pub month: i64,
    pub day: i64,
}

/// Days from 0000-03-01 to 2000-01-01.
const TO_2000: i64 = 730_425;

impl Day {
    /// Whether the Gregorian calendar has this day.
    pub fn exists(self) -> bool {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let last = match self.month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => 0,
        };
        (1..=last).contains(&self.day)
    }

    /// Days since 2000-01-01. Years begin in March, so that the leap day is the last one.
    pub fn number(self) -> i64 {
        let year = if self.month > 2 { self.year } else { self.year - 1 };
        let month = (self.month + 9) % 12;
        let days = (153 * month + 2) / 5 + self.day - 1;
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        365 * year + leap_days + days - TO_2000
    }

    /// The day so many days after 2000-01-01.
    pub fn of_number(number: i64) -> Self {
        let number = number + TO_2000;
        let (era, day) = (number.div_euclid(146_097), number.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let next = i64::from(month >= 10);
        Self {
            year: era * 400 + year + next,
            month: if month < 10 { month + 3 } else { month - 9 },
            day: day - (153 * month + 2) / 5 + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_numbers() {
        let cases =
            [(2000, 1, 1, 0), (1999, 12, 31, -1), (1970, 1, 1, -10_957), (2024, 2, 29, 8_825)];
        for (year, month, day, number) in cases {
            assert_eq!(Day { year, month, day }.number(), number);
        }
        for number in (-2_500_000..110_000_000).step_by(997) {
            let day = Day::of_number(number);
            assert!(day.exists(), "{day:?}");
            assert_eq!(day.number(), number);
        }
    }
}
