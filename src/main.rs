//! The program: parse, run, report, exit. Owns the signals and the exit status, decides nothing else.

use std::io;
use std::num::NonZero;
use std::process::ExitCode;
use std::thread;

use pgsync::cli;
use pgsync::cli::Command;
use pgsync::config::Resolved;
use pgsync::error::{Error, Result};
use pgsync::event::{Event, Events};
use pgsync::mask_preview;
use pgsync::mask_preview::PreviewSettings;
use pgsync::mask_suggestion::{self, Suggestion};
use pgsync::note::{Note, NoteLevel};
use pgsync::repeat;
use pgsync::repeat::Listeners;
use pgsync::repeat::comparison::Messenger;
use pgsync::report;
use pgsync::report::Reporter;
use pgsync::report::progress::Screen;
use pgsync::report::rows;
use pgsync::report::rows::RowFiles;
use pgsync::run;
use pgsync::run::mask_check;
use pgsync::status;
use pgsync::status::{PruneSettings, StatusSettings};
use pgsync::stop;
use pgsync::stop::{Signal, Stopper};
use pgsync::verify;
use pgsync::verify::{Repair, VerifyReport, VerifySettings};
use tokio::runtime::Builder;
use tokio::signal::unix::{self, SignalKind};

fn main() -> ExitCode {
    report::shorten_panics();
    match cli::parse(std::env::args_os()) {
        Ok(Command::Sync(resolved)) => on_runtime(resolved.settings.parallel, sync(resolved)),
        Ok(Command::Schema(resolved)) => on_runtime(resolved.settings.parallel, schema(resolved)),
        Ok(Command::Verify(settings, warnings)) => {
            on_runtime(settings.base.parallel, compare(settings, warnings))
        }
        Ok(Command::Status(settings, warnings)) => on_runtime(1, show_status(settings, warnings)),
        Ok(Command::LogPrune(settings, warnings)) => on_runtime(1, prune_log(settings, warnings)),
        Ok(Command::MaskSuggest(resolved)) => on_runtime(1, suggest(resolved)),
        Ok(Command::MaskCheck(resolved)) => on_runtime(1, check_masks(resolved)),
        Ok(Command::MaskPreview(settings, warnings)) => on_runtime(1, preview(settings, warnings)),
        Ok(Command::Text(text)) => {
            report::answer(&text);
            ExitCode::SUCCESS
        }
        Ok(Command::Prose(text)) => {
            report::prose(&text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            let format = cli::asked_log_format(std::env::args_os());
            report::no_run(cli::asked_output(std::env::args_os()), format, error);
            ExitCode::from(2)
        }
    }
}

/// Jobs that one thread serves: a server spends several times the work on a row that we do, and each
/// hand-over between threads costs (measured: a fifth of our own time with four jobs).
const JOBS_OF_THREAD: usize = 4;

fn on_runtime(parallel: usize, work: impl Future<Output = u8>) -> ExitCode {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = parallel.div_ceil(JOBS_OF_THREAD).min(cores);
    let mut builder = match threads {
        // This one.
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let runtime = match builder.worker_threads(threads).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            report::refusal(&Error::Internal(format!("no threads: {error}")));
            return ExitCode::FAILURE;
        }
    };
    let status = runtime.block_on(work);
    // Not a drop: that would wait for a name lookup that nobody needs any more.
    runtime.shutdown_background();
    ExitCode::from(status)
}

async fn sync(Resolved { settings, warnings }: Resolved) -> u8 {
    let signals = match Signals::caught() {
        Ok(signals) => signals,
        Err(error) => {
            report::refusal(&Error::Internal(format!("signals cannot be caught: {error}")));
            return 1;
        }
    };
    let (events, heard) = Events::channel();
    let (stopper, stop) = stop::channel();
    let reporter = Reporter::start(&settings, heard);
    warnings.into_iter().for_each(|text| say(&events, NoteLevel::Warning, text));
    let signals = tokio::spawn(signals.obey(stopper, events.clone(), reporter.screen()));
    let status = match settings.every {
        None => {
            let report = repeat::once(*settings, events, stop).await;
            reporter.finish(&report).await;
            report.exit_status()
        }
        Some(every) => {
            let listeners = Listeners { events, stop, read: read_again };
            let ended = repeat::until_stopped(*settings, every, listeners).await;
            reporter.close().await;
            ended
        }
    };
    signals.abort();
    status
}

/// The settings of the command line, as they are now.
fn read_again() -> Result<Resolved> {
    match cli::parse(std::env::args_os())? {
        Command::Sync(resolved) => Ok(resolved),
        _ => Err(Error::Internal("the command line asks for no run".into())),
    }
}

/// Prints what a run would change; 1 if there is anything.
async fn schema(Resolved { settings, warnings }: Resolved) -> u8 {
    warnings.iter().for_each(|text| report::remark(text));
    let (events, _) = Events::channel();
    let listed = Box::pin(run::schema(&settings, &events)).await;
    events.notes().iter().for_each(|note| report::remark(&note.text));
    match listed {
        Ok(listing) => {
            report::answer(&report::listing(&listing));
            u8::from(!listing.is_empty())
        }
        Err(error) => refused(&error),
    }
}

/// Says why there is no answer; gives the exit status.
fn refused(error: &Error) -> u8 {
    if error.outdates_snapshot() {
        report::refusal(&error.clone().with_remark("run it again"));
    } else {
        report::refusal(error);
    }
    match error {
        Error::Config(_) => 2,
        Error::Refused(_) => 5,
        _ => 1,
    }
}

/// Compares all rows, and repairs them if that is asked for. Web servers are told how it ended.
async fn compare(settings: VerifySettings, warnings: Vec<String>) -> u8 {
    warnings.iter().for_each(|text| report::remark(text));
    let messenger = Messenger::begin(&settings.base.messages);
    match compare_and_repair(&settings).await {
        Ok(Compared { found, status }) => {
            let told = messenger.end(&found, status).await;
            told.iter().for_each(|text| report::remark(text));
            status
        }
        Err(error) => refused(&error),
    }
}

/// How a comparison ended.
struct Compared {
    found: VerifyReport,
    status: u8,
}

/// Gives what was found last, and the exit status.
async fn compare_and_repair(settings: &VerifySettings) -> Result<Compared> {
    let found = look(settings).await?;
    let differs = found.tables.iter().any(|table| table.rows() > 0);
    if settings.flags.repair != Repair::Write || !differs {
        let status = found.exit_status();
        return Ok(Compared { found, status });
    }
    let (events, heard) = Events::channel();
    let (_stopper, stop) = stop::channel();
    let reporter = Reporter::start(&settings.base, heard);
    let repaired = verify::repair(settings, &found, events, stop).await;
    let is_text = !settings.base.output.json;
    if is_text || repaired.exit_status() != 0 {
        reporter.finish(&repaired).await;
    }
    match repaired.exit_status() {
        // What was repaired is looked at once more.
        0 => look(settings).await.map(|found| {
            let status = found.exit_status();
            Compared { found, status }
        }),
        status => Ok(Compared { found, status }),
    }
}

/// One comparison, printed.
async fn look(settings: &VerifySettings) -> Result<VerifyReport, Error> {
    let (pages, written) = RowFiles::create(&settings.flags)?.listen();
    let (_stopper, stop) = stop::channel();
    let found = verify::verify(settings, &stop, pages).await;
    // A thread that panicked has said so.
    written.await.unwrap_or(Ok(()))?;
    rows::write_page(&settings.flags, &report::verify::page(&found))?;
    report::answer(&report::verify::printed(&found, settings.base.output));
    if let Some(error) = &found.error {
        report::refusal(error);
    }
    Ok(found)
}

/// Prints how the tables stand; 1 if one is in trouble.
async fn show_status(settings: StatusSettings, warnings: Vec<String>) -> u8 {
    warnings.iter().for_each(|text| report::remark(text));
    let output = settings.base.output;
    if let Some(table) = &settings.history {
        return match status::history(&settings, table).await {
            Ok(found) => {
                report::answer(&report::status::printed_history(&found, output));
                u8::from(found.runs.is_empty())
            }
            Err(error) => refused(&error),
        };
    }
    match status::status(&settings).await {
        Ok(standing) => {
            standing.notes.iter().for_each(|text| report::remark(text));
            report::answer(&report::status::printed(&standing, output));
            standing.exit_status()
        }
        Err(error) => refused(&error),
    }
}

/// Deletes old rows of the log, and says how many.
async fn prune_log(settings: PruneSettings, warnings: Vec<String>) -> u8 {
    warnings.iter().for_each(|text| report::remark(text));
    match status::prune(&settings).await {
        Ok(rows) => {
            report::answer(&report::status::pruned(&settings, rows));
            0
        }
        Err(error) => refused(&error),
    }
}

/// Prints a config file with masks.
async fn suggest(Resolved { settings, warnings }: Resolved) -> u8 {
    warnings.iter().for_each(|text| report::remark(text));
    match Box::pin(mask_suggestion::suggest(&settings)).await {
        Ok(Suggestion { config, passed_over }) => {
            report::answer(&config.unwrap_or_default());
            let is_whole = passed_over.is_empty();
            passed_over.into_iter().for_each(|why| report::refusal(&Error::Blocked(why)));
            if is_whole { 0 } else { 1 }
        }
        Err(error) => {
            report::refusal(&error);
            if matches!(error, Error::Config(_)) { 2 } else { 1 }
        }
    }
}

/// Checks rules and masks, and says all that is wrong.
async fn check_masks(Resolved { settings, warnings }: Resolved) -> u8 {
    warnings.iter().for_each(|text| report::remark(text));
    let (events, _) = Events::channel();
    let checked = Box::pin(mask_check::check_masks(&settings, &events)).await;
    events.notes().iter().for_each(|note| report::remark(&note.text));
    match checked {
        Ok(checked) if checked.problems.is_empty() => {
            report::answer(&report::preview::checked(&checked));
            0
        }
        Ok(checked) => refused(&Error::Config(checked.problems)),
        Err(error) => refused(&error),
    }
}

/// Prints masked rows.
async fn preview(settings: PreviewSettings, warnings: Vec<String>) -> u8 {
    warnings.iter().for_each(|text| report::remark(text));
    match Box::pin(mask_preview::preview(&settings)).await {
        Ok(preview) => {
            report::answer(&report::preview::printed(&preview));
            0
        }
        Err(error) => refused(&error),
    }
}

fn say(events: &Events, level: NoteLevel, text: String) {
    events.send(Event::Note(Note { table: None, text, level }));
}

/// The signals that end a run. Caught from the moment this exists.
struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
}

impl Signals {
    fn caught() -> io::Result<Self> {
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
        })
    }

    /// The first asks the run to stop at a safe point, the second leaves at once: what is committed
    /// stands, and the server rolls back the rest.
    async fn obey(mut self, stopper: Stopper, events: Events, screen: Option<Screen>) {
        let first = self.next().await;
        stopper.request(first);
        events.send(Event::Stopping(first));
        let second = self.next().await;
        report::abandon(screen).await;
        std::process::exit(second.exit_status().into());
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}
