//! Log lines as tracing events, and the layer that prints them. Every line of pgsync is an event with
//! fields; what the libraries for PostgreSQL and TLS log joins them when it is asked for. The layer
//! gives all of them one form and the order of time, and hands them to `report`, which prints.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber, dispatcher};
use tracing_log::{LogTracer, NormalizeEvent};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::config::{LogFormat, LogLevel, Logging};
use crate::error::Side;
use crate::ident::TableName;
use crate::report::format;
use crate::report::line::{Clock, Line};

/// The target of our own events.
const OWN: &str = "pgsync";

/// Libraries that are heard, by the start of their events' target.
const LIBRARIES: [&str; 3] = ["tokio_postgres", "deadpool", "rustls"];

/// Those whose messages can hold statements, and so rows' values: after a colon.
const OF_DATABASES: [&str; 2] = ["tokio_postgres", "deadpool"];

/// Characters of a library's message: rustls prints whole certificates.
const LONGEST: usize = 200;

/// Where the events of one run go.
#[derive(Debug)]
pub struct Logger {
    dispatch: Dispatch,
}

impl Logger {
    /// Everything from `own` on is printed. Lines arrive in the receiver, formatted.
    pub fn open(
        logging: Logging,
        own: LogLevel,
        clock: Clock,
    ) -> (Self, mpsc::UnboundedReceiver<String>) {
        let (to, lines) = mpsc::unbounded_channel();
        let libraries = logging.level.filter(|level| *level >= LogLevel::Debug);
        let last = DateTime::<Utc>::MIN_UTC;
        let layer = Lines { format: logging.format, clock, out: Mutex::new(Out { last, to }) };
        let heard = LIBRARIES.map(|library| (library, filter(libraries)));
        let heard = Targets::new().with_targets(heard).with_target(OWN, filter(Some(own)));
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(heard).with(layer));
        if let Some(level) = libraries {
            // Whoever embeds this may listen already; ours are told all the same.
            let _ = dispatcher::set_global_default(dispatch.clone());
            let bridge = LogTracer::builder().with_max_level(log_level(level));
            let _ = bridge.init();
        }
        (Self { dispatch }, lines)
    }

    /// Makes an event of the line.
    pub fn tell(&self, line: &Line) {
        dispatcher::with_default(&self.dispatch, || emit(line));
    }
}

fn emit(line: &Line) {
    macro_rules! event {
        ($level:ident) => {
            tracing::event!(
                target: OWN,
                Level::$level,
                at = line.time.timestamp_micros(),
                run_id = line.run_id.as_deref(),
                schema = line.table.as_ref().map(|table| table.schema.as_str()),
                table = line.table.as_ref().map(|table| table.name.as_str()),
                side = line.side.map(tracing::field::display),
                message = line.message.as_str(),
            )
        };
    }
    match line.level {
        LogLevel::Error => event!(ERROR),
        LogLevel::Warn => event!(WARN),
        LogLevel::Info => event!(INFO),
        LogLevel::Debug => event!(DEBUG),
        LogLevel::Trace => event!(TRACE),
    }
}

fn filter(level: Option<LogLevel>) -> LevelFilter {
    match level {
        None => LevelFilter::OFF,
        Some(LogLevel::Error) => LevelFilter::ERROR,
        Some(LogLevel::Warn) => LevelFilter::WARN,
        Some(LogLevel::Info) => LevelFilter::INFO,
        Some(LogLevel::Debug) => LevelFilter::DEBUG,
        Some(LogLevel::Trace) => LevelFilter::TRACE,
    }
}

fn log_level(level: LogLevel) -> tracing_log::log::LevelFilter {
    match level {
        LogLevel::Trace => tracing_log::log::LevelFilter::Trace,
        _ => tracing_log::log::LevelFilter::Debug,
    }
}

/// The layer: an event becomes a line.
struct Lines {
    format: LogFormat,
    clock: Clock,
    /// Behind one lock, so that lines arrive in the order of their times.
    out: Mutex<Out>,
}

struct Out {
    /// The time of the last line. None is printed as older than the one before it.
    last: DateTime<Utc>,
    to: mpsc::UnboundedSender<String>,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let bridged = event.normalized_metadata();
        let line = read(event, bridged.as_ref().unwrap_or(event.metadata()));
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.last = out.last.max(line.time);
        let line = Line { time: out.last, ..line };
        let _ = out.to.send(line.printed(self.format, self.clock));
    }
}

fn read(event: &Event<'_>, metadata: &Metadata<'_>) -> Line {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let time = fields.at.and_then(DateTime::from_timestamp_micros).unwrap_or_else(Utc::now);
    let line = Line::new(time, level(*metadata.level()), fields.message);
    if metadata.target() != OWN {
        let library = metadata.target();
        let message = format::sanitize(&safe(library, &line.message));
        return Line { library: Some(format::sanitize(library)), message, ..line };
    }
    let table = fields.table.zip(fields.schema).map(|(name, schema)| TableName::new(schema, name));
    let side =
        [Side::Source, Side::Target].into_iter().find(|side| side.to_string() == fields.side);
    Line { run_id: fields.run_id, table, side, ..line }
}

fn level(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        _ => LogLevel::Trace,
    }
}

/// What of a library's message holds no value of a row and no end: of `executing simple query: select …`
/// what is before the colon.
fn safe(library: &str, message: &str) -> String {
    let of_database = OF_DATABASES.iter().any(|name| library.starts_with(name));
    let end = message.find(':').filter(|_| of_database).unwrap_or(message.len());
    let message = &message[..end];
    match message.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &message[..at]),
        None => message.to_owned(),
    }
}

/// What an event says. Others than these fields are those of the bridge from `log`.
#[derive(Default)]
struct Fields {
    at: Option<i64>,
    run_id: Option<String>,
    schema: Option<String>,
    table: Option<String>,
    side: String,
    message: String,
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == "at" {
            self.at = Some(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "run_id" => self.run_id = Some(value.to_owned()),
            "schema" => self.schema = Some(value.to_owned()),
            "table" => self.table = Some(value.to_owned()),
            "side" => self.side = value.to_owned(),
            "message" => self.message = value.to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use tracing::{debug, trace};

    use super::*;

    /// What is printed of events of these libraries at this level, without the time.
    fn heard(level: Option<LogLevel>) -> Vec<String> {
        let logging = Logging { level, ..Logging::default() };
        let (log, mut printed) = Logger::open(logging, LogLevel::Trace, Clock::Utc);
        dispatcher::with_default(&log.dispatch, || {
            debug!(target: "tokio_postgres", "executing simple query: select 's3cret'");
            debug!(target: "tokio_postgres", "executing statement s1 with parameters: [\"s3cret\"]");
            debug!(target: "rustls", "No cached session for DnsName(\"db.example\")\n");
            trace!(target: "rustls", "Server cert is {}", "é".repeat(500));
            debug!(target: "somebody", "s3cret");
        });
        let lines = std::iter::from_fn(|| printed.try_recv().ok());
        lines.map(|line| line.split_once("] ").expect("a time").1.to_owned()).collect()
    }

    #[test]
    fn of_a_statement_that_a_library_logs_nothing_is_told_but_that_there_was_one() {
        let debug = [
            "tokio_postgres: executing simple query",
            "tokio_postgres: executing statement s1 with parameters",
            "rustls: No cached session for DnsName(\"db.example\")\\n",
        ];
        assert_eq!(heard(Some(LogLevel::Debug)), debug);
        let all = heard(Some(LogLevel::Trace));
        assert_eq!(all[..3], debug);
        assert_eq!(all[3], format!("rustls: Server cert is {}…", "é".repeat(185)));
        assert!(heard(None).is_empty() && heard(Some(LogLevel::Info)).is_empty());
    }
}
