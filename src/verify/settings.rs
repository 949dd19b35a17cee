//! What `pgsync verify` is asked.

use crate::config::{OwnFlags, Settings};

/// What `pgsync verify` is asked.
#[derive(Clone, Debug)]
pub struct VerifySettings {
    /// Both ends, the selection and the rules count.
    pub base: Box<Settings>,
    pub flags: VerifyFlags,
}

/// The flags that only `pgsync verify` has.
#[derive(Clone, Debug)]
pub struct VerifyFlags {
    /// Rows of a table that the report lists.
    pub limit: usize,
    /// Whether values of rows are shown.
    pub values: bool,
    /// Whether people work on the source: what their changes since the last run explain is no failure.
    pub live: bool,
    /// The share of the time in which the servers compare.
    pub throttle: Option<f64>,
    pub repair: Repair,
    /// Files for every row that differs, and for the report.
    pub rows: Option<String>,
    pub csv: Option<String>,
    pub html: Option<String>,
}

/// What is done about rows that differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repair {
    #[default]
    Nothing,
    /// They are brought in sync, and looked at once more.
    Write,
    /// The statements that would do so are printed.
    Print,
}

impl VerifyFlags {
    /// Reads them.
    pub fn read(flags: &mut OwnFlags) -> Self {
        let limit = flags.number("limit", 0, 1_000_000).unwrap_or(20);
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            values: flags.switch("values"),
            live: flags.switch("live"),
            throttle: flags.read("throttle", throttle),
            repair: flags.read("repair", repair).unwrap_or_default(),
            rows: flags.text("rows"),
            csv: flags.text("csv"),
            html: flags.text("html"),
        }
    }

    /// With the settings that go with them.
    pub fn with(self, base: Box<Settings>) -> VerifySettings {
        VerifySettings { base, flags: self }
    }
}

fn repair(text: &str) -> Result<Repair, String> {
    match text.trim() {
        "true" => Ok(Repair::Write),
        "false" => Ok(Repair::Nothing),
        "print" => Ok(Repair::Print),
        _ => Err(format!("\"{text}\" must be left out, or be: print")),
    }
}

/// `25%`: the share of the time in which servers work.
fn throttle(text: &str) -> Result<f64, String> {
    let share = text
        .trim()
        .strip_suffix('%')
        .filter(|share| share.starts_with(|c: char| c.is_ascii_digit()));
    let share = share.and_then(|share| share.parse::<f64>().ok());
    let share = share.filter(|share| (1.0..=100.0).contains(share));
    share
        .map(|share| share / 100.0)
        .ok_or_else(|| format!("\"{text}\" is no share from 1% to 100%"))
}
