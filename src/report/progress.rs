//! Progress bars on a terminal: one line per running table, one for the run, log lines above them.
//! The only door to indicatif. Nothing is decided here, and nothing is drawn more often than
//! [`Bars::tick`] is called, however many events arrive in between.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::event::{Event, Phase};
use crate::ident::TableName;
use crate::outcome::Status;
use crate::report::format;
use crate::report::pace::Pace;

/// A table that is through sooner than this never gets a bar: a thousand small tables would flicker.
const PATIENCE: Duration = Duration::from_millis(250);

/// Bars beyond this would push the log lines off a small terminal.
const MOST_BARS: usize = 12;

/// Columns for a table's name; with the figures this leaves a short bar on 80 columns.
const NAME_COLUMNS: usize = 18;

/// What the terminal shows of a run. Clones show the same.
#[derive(Clone, Debug)]
pub struct Screen(MultiProgress);

impl Screen {
    /// `None` when stderr cannot show bars: no terminal, or a dumb one.
    pub fn open() -> Option<Self> {
        let screen = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(20));
        (!screen.is_hidden()).then_some(Self(screen))
    }

    /// Takes the bars away, for good.
    pub fn close(&self) {
        let _ = self.0.clear();
        self.0.set_draw_target(ProgressDrawTarget::hidden());
    }

    /// A terminal that went away is no reason to stop the run.
    fn print(&self, line: &str) {
        let _ = self.0.println(line);
    }
}

/// The bars of one run.
#[derive(Debug)]
pub struct Bars {
    screen: Screen,
    run: ProgressBar,
    running: BTreeMap<TableName, Running>,
    rows: u64,
    failed: u64,
}

#[derive(Debug)]
struct Running {
    since: Instant,
    bar: Option<ProgressBar>,
    rows: u64,
    /// When the first rows travelled: digests before them do not slow the rate.
    moving: Option<Instant>,
    estimate: Option<u64>,
    phase: Phase,
    phase_since: Instant,
}

impl Bars {
    /// Draws one line for the run, which says that it connects.
    pub fn new(screen: Screen) -> Self {
        let run = ProgressBar::no_length().with_style(style("{spinner:.cyan} {msg}"));
        let run = screen.0.add(run.with_message("connecting"));
        Self { screen, run, running: BTreeMap::new(), rows: 0, failed: 0 }
    }

    /// A log line above the bars.
    pub fn print(&self, line: &str) {
        self.screen.print(line);
    }

    /// Takes note; draws nothing.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Connected { .. } => self.run.set_message("reading the catalogs"),
            Event::Planned { tables } => self.planned(*tables as u64),
            Event::Started { table, rows, .. } => self.running(table).estimate = *rows,
            Event::Phase { table, phase } => {
                let running = self.running(table);
                if running.phase != *phase {
                    (running.phase, running.phase_since) = (*phase, Instant::now());
                }
            }
            Event::Expected { table, rows } => {
                let running = self.running(table);
                running.estimate = Some(running.rows + rows);
            }
            Event::Rows { table, rows } => {
                let running = self.running(table);
                running.moving.get_or_insert_with(Instant::now);
                running.rows += rows;
                self.rows += rows;
            }
            Event::Finished(outcome) => {
                if let Some(bar) = self.running.remove(&outcome.table).and_then(|old| old.bar) {
                    self.screen.0.remove(&bar);
                }
                self.failed +=
                    u64::from(matches!(outcome.status, Status::Failed | Status::Refused));
                self.run.inc(1);
            }
            Event::Retracted(outcome) => {
                self.failed += u64::from(outcome.status == Status::Failed);
            }
            Event::Begun { .. }
            | Event::Note(_)
            | Event::Retry { .. }
            | Event::Stopping(_)
            | Event::Ended(_) => {}
        }
    }

    /// Draws what has changed. Called a few times per second.
    pub fn tick(&mut self) {
        let mut shown = self.running.values().filter(|running| running.bar.is_some()).count();
        for (table, running) in &mut self.running {
            if running.bar.is_none() && shown < MOST_BARS && running.since.elapsed() >= PATIENCE {
                running.bar = Some(self.screen.0.insert_before(&self.run, table_bar(table)));
                shown += 1;
            }
            running.draw();
        }
        if self.run.length().is_some() {
            self.run.set_message(self.run_line());
        }
        self.run.tick();
    }

    /// Leaves the terminal without a trace of bars.
    pub fn close(self) {
        self.screen.close();
    }

    fn planned(&self, tables: u64) {
        self.run.set_length(tables);
        self.run.set_style(style("{spinner:.cyan} {msg} {wide_bar:.cyan/dim}"));
        self.run.set_message(self.run_line());
    }

    fn running(&mut self, table: &TableName) -> &mut Running {
        self.running.entry(table.clone()).or_insert_with(|| Running {
            since: Instant::now(),
            bar: None,
            rows: 0,
            moving: None,
            estimate: None,
            phase: Phase::Looking,
            phase_since: Instant::now(),
        })
    }

    /// `356 of 1,000 tables  1.20M rows  1m05s  2 failed`.
    fn run_line(&self) -> String {
        let done = format::number(self.run.position());
        let all = format::counted(self.run.length().unwrap_or(0), "table");
        let mut line = format!("{done} of {all}  {} rows", short(self.rows as f64));
        let hidden = self.running.values().filter(|running| running.waits()).count();
        if hidden > 0 {
            line += &format!("  {hidden} more running");
        }
        if self.failed > 0 {
            line += &format!("  {} failed", format::number(self.failed));
        }
        line + &format!("  {}", clock(self.run.elapsed()))
    }
}

impl Running {
    /// Running long enough for a bar, with no room for it.
    fn waits(&self) -> bool {
        self.bar.is_none() && self.since.elapsed() >= PATIENCE
    }

    fn draw(&self) {
        let Some(bar) = &self.bar else { return };
        if let (Some(estimate), None) = (self.estimate.filter(|rows| *rows > 0), bar.length()) {
            bar.set_length(estimate);
            bar.set_style(style("  {prefix} {msg} {wide_bar:.cyan/dim}"));
        }
        // An estimate is one: a table that outgrew it shows a full bar, not a broken one.
        if bar.length().is_some_and(|length| length < self.rows) {
            bar.set_length(self.rows);
        }
        bar.set_position(self.rows);
        bar.set_message(self.figures());
    }

    /// ` 640k  52.3k/s  32 %  26s left  applying changes   `, always as wide. Where no rows travel, the
    /// time that the phase has taken so far: ` for 26s`.
    fn figures(&self) -> String {
        let moving = self.moving.map(|since| since.elapsed()).unwrap_or_default();
        let pace = Pace { rows: self.rows, estimate: self.estimate, moving };
        let moves = self.phase.moves_rows();
        let or_blank = |text: Option<String>| text.filter(|_| moves).unwrap_or_default();
        let rate = or_blank(pace.rate().map(|rate| short(rate) + "/s"));
        let share = or_blank(pace.share().map(|share| format!("{share} %")));
        let left = or_blank(pace.left().map(|left| format!("{} left", clock(left))));
        let time = if moves { left } else { format!("for {}", clock(self.phase_since.elapsed())) };
        let rows = short(self.rows as f64);
        format!("{rows:>6} {rate:>8} {share:>5} {time:>11}  {:19}", self.phase.name())
    }
}

fn table_bar(table: &TableName) -> ProgressBar {
    let name = format::pad_or_truncate(&format::table(table), NAME_COLUMNS);
    ProgressBar::no_length().with_style(style("  {prefix} {msg}")).with_prefix(name)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
        .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
}

/// At most six columns, so that figures stay in place: `999`, `12.3k`, `640k`, `1.20M`.
fn short(n: f64) -> String {
    match n {
        n if n < 999.5 => format!("{n:.0}"),
        n if n < 99_950.0 => format!("{:.1}k", n / 1e3),
        n if n < 999_500.0 => format!("{:.0}k", n / 1e3),
        n if n < 99_950_000.0 => format!("{:.2}M", n / 1e6),
        n if n < 999_500_000.0 => format!("{:.0}M", n / 1e6),
        n => format!("{:.2}G", n / 1e9),
    }
}

/// Whole seconds: tenths that run by are only unrest.
fn clock(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        _ => format::duration(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stay_within_six_columns() {
        let cases = [
            (0.0, "0"),
            (999.4, "999"),
            (999.6, "1.0k"),
            (12_345.0, "12.3k"),
            (99_949.0, "99.9k"),
            (99_950.0, "100k"),
            (999_499.0, "999k"),
            (1_204_000.0, "1.20M"),
            (250_000_000.0, "250M"),
            (999_600_000.0, "1.00G"),
        ];
        for (n, text) in cases {
            assert_eq!(short(n), text);
        }
    }
}
