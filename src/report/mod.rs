//! The mouth of the program: owns stdout and stderr; nobody else prints. Events become log lines and
//! bars on stderr while the run goes on, the [`RunReport`] becomes the result on stdout at its end.
//!
//! Nothing here can change what a run does: a closed pipe or a vanished terminal is ignored, and the
//! exit status stays the run's.

mod denied;
mod format;
mod grid;
pub mod json;
mod line;
mod listed;
mod log;
mod markdown;
mod pace;
pub mod plain;
pub mod preview;
pub mod progress;
mod repeated;
pub mod rows;
pub mod status;
pub mod summary;
#[cfg(test)]
mod tests;
pub mod verify;
mod wrap;

use std::any::Any;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::config::{LogFormat, LogLevel, Output, Settings, SummaryFormat};
use crate::error::Error;
use crate::event::Event;
use crate::ident::{Ident, TableName};
use crate::outcome::RunReport;
use crate::schema::Listing;
use crate::schema::rebuild::plan::Rebuild;
use crate::sql::statement::Statement;
use grid::Page;
use line::{Clock, Line, Untold};
use log::Logger;
use plain::Plain;
use progress::{Bars, Screen};
use repeated::Repeated;
use summary::{Grouped, Said};

/// How often the bars move, and how long at most what was said waits for the same about other tables.
const TICK: Duration = Duration::from_millis(100);

/// How long what happens in a run is collected before it is told: to wake a thread for each table costs
/// more than to tell of it.
const COLLECT: Duration = Duration::from_millis(20);

/// How many events are taken at once.
const MOST_EVENTS: usize = 1_000;

/// Tells people about one run, or about runs that follow each other.
#[derive(Debug)]
pub struct Reporter {
    output: Output,
    screen: Option<Screen>,
    /// See [`leaves_notes`].
    leaves_notes: bool,
    /// Takes what is to be said last.
    over: oneshot::Sender<Vec<Line>>,
    listener: JoinHandle<()>,
}

impl Reporter {
    /// Begins to listen, on a thread of its own: a terminal that is held (Ctrl-S) or a slow pipe
    /// must not hold the run. Needs a running tokio runtime.
    pub fn start(settings: &Settings, events: mpsc::UnboundedReceiver<Event>) -> Reporter {
        let output = settings.output;
        let has_bars = !output.quiet && settings.every.is_none();
        let screen = if has_bars { Screen::open() } else { None };
        let listener = Listener::new(settings, screen.clone());
        let (over, ended) = oneshot::channel();
        let runtime = Handle::current();
        let listen = move || runtime.block_on(listener.listen(events, ended));
        let leaves_notes = leaves_notes(settings);
        let listener = tokio::task::spawn_blocking(listen);
        Reporter { output, screen, leaves_notes, over, listener }
    }

    /// What the terminal shows, for whoever must leave in a hurry.
    pub fn screen(&self) -> Option<Screen> {
        self.screen.clone()
    }

    /// Says what is left to say, then the result. Events sent after this are not heard.
    pub async fn finish(self, report: &RunReport) {
        let (now, verbose) = (Utc::now(), self.output.verbose);
        let result = result(self.output, report);
        let mut last = plain::run_error(now, report, verbose);
        if self.leaves_notes && result.is_empty() {
            last.splice(0..0, plain::left_notes(now, report, verbose));
        }
        if self.output.quiet {
            last.extend(plain::left_behind(now, report));
        }
        let _ = self.over.send(last);
        // A listener that panicked has said so; the result is still owed.
        let _ = self.listener.await;
        write(io::stdout().lock(), &result);
    }

    /// Says what is left to say of runs that follow each other. Events sent after this are not heard.
    pub async fn close(self) {
        let _ = self.over.send(Vec::new());
        let _ = self.listener.await;
    }
}

/// Whether somebody reads the log lines and the summary on the same terminal: notes are in the summary then, and not said twice.
fn leaves_notes(settings: &Settings) -> bool {
    let Output { json, quiet, .. } = settings.output;
    let is_plain = settings.every.is_none() && settings.logging.format == LogFormat::Text;
    let are_terminals = console::Term::stdout().is_term() && console::Term::stderr().is_term();
    is_plain && are_terminals && !json && !quiet
}

fn result(output: Output, report: &RunReport) -> String {
    match output {
        // Strings and numbers always serialize; the type system cannot know.
        Output { json: true, verbose, .. } => json::object(report, verbose).unwrap_or_default(),
        Output { quiet: true, .. } => String::new(),
        Output { summary: SummaryFormat::Markdown, verbose, .. } => {
            markdown::summary(report, verbose)
        }
        Output { verbose, .. } => summary::summary(report, verbose, page()),
    }
}

struct Listener {
    plain: Plain,
    bars: Option<Bars>,
    log: Logger,
    run_id: Option<String>,
    output: Output,
    /// Where runs follow each other: what was said of them.
    repeated: Option<Repeated>,
    /// Whether a run is under way, so that something may become due.
    is_busy: bool,
    /// What events said since the last tick.
    untold: Vec<Untold>,
    /// Whether people read the log.
    is_text: bool,
    /// The lines of `log`, to be printed.
    lines: mpsc::UnboundedReceiver<String>,
}

impl Listener {
    fn new(settings: &Settings, screen: Option<Screen>) -> Self {
        let (output, logging) = (settings.output, settings.logging);
        let usual = if output.verbose { LogLevel::Debug } else { LogLevel::Info };
        let level = logging.level.unwrap_or(usual);
        let (log, lines) = Logger::open(logging, level, clock());
        let plain = Plain::new(output, settings.dry_run).down_to(level);
        let plain = if leaves_notes(settings) { plain.without_notes() } else { plain };
        let in_full = level >= LogLevel::Debug;
        let repeated = settings.every.map(|_| Repeated::new(output, in_full));
        let (bars, is_busy) = (screen.map(Bars::new), repeated.is_none());
        let (untold, is_text) = (Vec::new(), logging.format == LogFormat::Text);
        Self { plain, bars, log, run_id: None, output, repeated, is_busy, untold, is_text, lines }
    }

    /// Ends when the run is over and everything sent before that has been told.
    async fn listen(
        mut self,
        mut events: mpsc::UnboundedReceiver<Event>,
        mut ended: oneshot::Receiver<Vec<Line>>,
    ) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = None;
        let mut taken = Vec::new();
        let mut collected = Instant::now();
        loop {
            tokio::select! {
                count = next_events(&mut events, &mut taken, collected) => match count {
                    0 => break,
                    _ => {
                        taken.drain(..).for_each(|event| self.take(&event));
                        let is_busy = self.is_busy && last.is_none();
                        if !is_busy {
                            self.tell_untold();
                        }
                        collected = Instant::now() + if is_busy { COLLECT } else { Duration::ZERO };
                    }
                },
                Some(line) = self.lines.recv() => self.print(&line),
                _ = ticks.tick(), if self.is_busy => self.tick(),
                // Not the end yet: what is in the channel is still told.
                lines = &mut ended, if !events.is_closed() => {
                    last = Some(lines.unwrap_or_default());
                    events.close();
                    collected = Instant::now();
                }
            }
        }
        self.tell_untold();
        // Nobody may be left who sends events before the last words are there.
        let last = match last {
            Some(last) => last,
            None => ended.await.unwrap_or_default(),
        };
        if let Some(bars) = self.bars.take() {
            bars.close();
        }
        self.tell(last);
    }

    fn take(&mut self, event: &Event) {
        if let Event::Begun { run_id } = event {
            self.run_id = Some(run_id.clone());
            self.is_busy = true;
        }
        let is_note = matches!(event, Event::Note(_) | Event::Stopping(_));
        let lines = self.plain.event(Utc::now(), event);
        let lines = match &mut self.repeated {
            // What is said between two runs is said once as it is.
            Some(repeated) if self.is_busy => repeated.news(lines, is_note),
            _ => lines,
        };
        if let Some(bars) = &mut self.bars {
            bars.event(event);
        }
        let unites = |line: &Line| self.is_text && (is_note || line.level <= LogLevel::Warn);
        let untold = lines.into_iter().map(|line| Untold { unites: unites(&line), line });
        self.untold.extend(untold);
        if let Event::Ended(report) = event {
            self.tell_untold();
            self.ended(report);
        }
    }

    /// Tells what events said.
    fn tell_untold(&mut self) {
        let lines = line::united(std::mem::take(&mut self.untold));
        self.tell(lines);
    }

    /// A run ended, and others will follow.
    fn ended(&mut self, report: &RunReport) {
        let (now, at) = (Utc::now(), Instant::now());
        let lines = self.repeated.as_mut().map(|repeated| repeated.ended(now, at, report));
        self.tell(lines.unwrap_or_default());
        (self.run_id, self.is_busy) = (None, false);
        if self.output.json {
            write(io::stdout().lock(), &result(self.output, report));
        }
    }

    fn tick(&mut self) {
        self.tell_untold();
        let now = Utc::now();
        let mut lines = self.plain.tick(now);
        if let Some(repeated) = &mut self.repeated {
            lines = repeated.news(lines, false);
        }
        if self.bars.is_none() {
            lines.extend(self.plain.progress(now));
        }
        self.tell(lines);
        if let Some(bars) = &mut self.bars {
            bars.tick();
        }
    }

    /// Logs the lines, then prints all that was logged.
    fn tell(&mut self, lines: Vec<Line>) {
        for line in lines {
            self.log.tell(&Line { run_id: self.run_id.clone(), ..line });
        }
        while let Ok(line) = self.lines.try_recv() {
            self.print(&line);
        }
    }

    fn print(&self, line: &str) {
        match &self.bars {
            Some(bars) => bars.print(line),
            None => write(io::stderr().lock(), &format!("{line}\n")),
        }
    }
}

/// Waits for events that are there from the moment `from` on; gives how many it took, none at the end.
async fn next_events(
    events: &mut mpsc::UnboundedReceiver<Event>,
    taken: &mut Vec<Event>,
    from: Instant,
) -> usize {
    if from > Instant::now() {
        tokio::time::sleep_until(from.into()).await;
    }
    events.recv_many(taken, MOST_EVENTS).await
}

/// Takes the bars off the screen before the program is left. Waits for a moment at most: a terminal
/// that is held would hold the exit.
pub async fn abandon(screen: Option<Screen>) {
    let Some(screen) = screen else { return };
    let clear = tokio::task::spawn_blocking(move || screen.close());
    let _ = tokio::time::timeout(TICK, clear).await;
}

/// Prints an answer that was asked for in place of a run: help, the version.
pub fn answer(text: &str) {
    write(io::stdout().lock(), text);
}

/// Prints lines that are no wider than the terminal, if there is one.
pub fn prose(text: &str) {
    let size = console::Term::stdout().size_checked();
    answer(&match size {
        Some((_, columns)) => wrap::wrapped(text, columns.into()),
        None => text.to_owned(),
    });
}

/// Whoever watches a terminal knows the day and the time zone.
fn clock() -> Clock {
    if console::Term::stderr().is_term() { Clock::Local } else { Clock::Utc }
}

/// What stdout is.
fn page() -> Page {
    let size = console::Term::stdout().size_checked();
    size.map_or(Page::Paper, |(_, columns)| Page::Terminal(columns.into()))
}

/// Prints why there is no run, a line per problem.
pub fn refusal(error: &Error) {
    for problem in error.to_string().lines() {
        // What goes on is to be pasted.
        let start = if problem.starts_with(' ') { "" } else { "pgsync: " };
        write(io::stderr().lock(), &format!("{start}{}\n", format::sanitize(problem)));
    }
}

/// Says why there is no run, because the command line or the configuration is wrong, and prints the result that
/// was asked for.
pub fn no_run(output: Output, format: LogFormat, error: Error) {
    match format {
        LogFormat::Text => refusal(&error),
        LogFormat::Json => {
            // What goes on stands in the line of its problem.
            let text = error.to_string().replace("\n ", " ");
            for problem in text.lines().map(format::sanitize) {
                let line = Line::new(Utc::now(), LogLevel::Error, problem);
                write(io::stderr().lock(), &format!("{}\n", line.printed(format, Clock::Utc)));
            }
        }
    }
    write(io::stdout().lock(), &result(output, &RunReport::of_no_run(error)));
}

/// Prints a remark where there is no run that could carry it.
pub fn remark(text: &str) {
    write(io::stderr().lock(), &format!("pgsync: note: {}\n", format::sanitize(text)));
}

/// Says of the last statements of a listing that rows may violate what they add.
const UNVALIDATED: &str =
    "-- run these after the next run: until its rows are there, others may violate them\n";

/// Statements for psql, and as comments what no statement fixes.
pub fn listing(listing: &Listing) -> String {
    let comment = |(table, why): (&TableName, &dyn std::fmt::Display)| {
        let why = format::sanitize(&why.to_string());
        format!("-- {}: {why}\n", format::sanitize(&table.to_string()))
    };
    let errors = denied::alike(listing.obstacles.iter().map(|(_, error)| error));
    let obstacles = listing.obstacles.iter().zip(&errors).map(|((table, _), error)| Said {
        text: format::sanitize(&error.to_string()),
        table: Some(table),
    });
    let obstacles = summary::grouped(obstacles).into_iter().map(|Grouped { text, tables }| {
        let tables = tables.iter().map(|table| format::sanitize(&table.to_string()));
        format!("-- {}: {text}\n", tables.collect::<Vec<_>>().join(", "))
    });
    let left_out = listing.left_out.iter().map(|(table, text)| comment((table, text)));
    let cut_short = listing.trial_cut_short.as_ref();
    let cut_short = cut_short.map(|text| format!("-- {}\n", format::sanitize(text)));
    let path: Vec<String> = listing.path.iter().map(Ident::quoted).collect();
    let path = path.join(", ");
    let path = (!path.is_empty()).then(|| printable(&format!("set search_path = {path}")));
    // A body may name what a later statement creates.
    let is_function = |statement: &Statement| {
        let start: String = statement.as_str().chars().take(30).collect();
        start.to_lowercase().starts_with("create ") && start.to_lowercase().contains(" function ")
    };
    let unchecked = listing.statements.iter().any(is_function);
    let unchecked = unchecked.then(|| "set check_function_bodies = off;\n".to_owned());
    let statements = listing.statements.iter().map(|statement| printable(statement.as_str()));
    let after_rows = listing.after_rows.iter().map(|statement| printable(statement.as_str()));
    let is_last = (!listing.after_rows.is_empty()).then(|| UNVALIDATED.to_owned());
    let rebuild = listing.rebuilds.iter().map(rebuild_listing);
    obstacles
        .chain(left_out)
        .chain(cut_short)
        .chain(path)
        .chain(unchecked)
        .chain(statements)
        .chain(is_last)
        .chain(after_rows)
        .chain(rebuild)
        .collect()
}

/// Whoever pastes it into a terminal has to get what it says.
fn printable(statement: &str) -> String {
    if statement.chars().any(|c| format::is_terminal_control(c) && !matches!(c, '\n' | '\t')) {
        format!(
            "-- left out, because a terminal would obey some of its characters: {}\n",
            format::sanitize(statement)
        )
    } else {
        format!("{statement};\n")
    }
}

/// As comments: run as they are, they would put an empty table in the place of a full one.
fn rebuild_listing(rebuild: &Rebuild) -> String {
    let mut lines = vec![format!("{} is rebuilt: {}", rebuild.source, rebuild.reasons)];
    lines.extend(rebuild.lost.iter().map(|lost| format!("{lost} goes with the old table")));
    let (before, after) = (rebuild.statements_before(), rebuild.statements_after());
    lines.extend(before.iter().map(|text| format!("    {};", text.as_str())));
    lines.push("    (here the rows are copied)".to_owned());
    lines.extend(after.iter().map(|text| format!("    {};", text.as_str())));
    let lines = lines.iter().flat_map(|text| text.lines());
    lines.map(|line| format!("-- {}\n", format::sanitize(line))).collect()
}

/// A panic becomes one line. Its text is shown when it is constant: one that was put together could
/// hold a value. `RUST_BACKTRACE` asks for everything.
pub fn shorten_panics() {
    if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
        return;
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| format!(" ({}:{})", at.file(), at.line()));
        let what = constant_text(panic.payload());
        let text = format!("pgsync: internal error: {what}{}\n", place.unwrap_or_default());
        write(io::stderr().lock(), &text);
    }));
}

fn constant_text(payload: &dyn Any) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("panic")
}

/// A reader that went away (`pgsync | head`) is not the run's failure.
fn write(mut to: impl Write, text: &str) {
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}
