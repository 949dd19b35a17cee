//! Everybody who hears of a run beside the terminal: web servers, and Prometheus. What goes wrong there is a warning.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::config::Settings;
use crate::event::{Event, Events};
use crate::note::{Note, NoteLevel};
use crate::notify::{Message, Notifier};
use crate::outcome::RunReport;
use crate::report;
use crate::stop::Stop;

use super::figures::Figures;

/// How long a run that was stopped waits for its message to leave.
const LAST_MOMENT: Duration = Duration::from_millis(200);

/// Messages that may be under way at once. A server that is slower than the runs misses some.
const MOST_MESSAGES: usize = 8;

/// Those who hear of the runs of one program.
pub struct Observers {
    notifier: Option<Notifier>,
    figures: Figures,
    /// Whether the last run that was no skip failed.
    has_failed: bool,
    under_way: JoinSet<()>,
    /// The warnings about the last message, and about the last figures.
    warned: Arc<Mutex<Vec<String>>>,
    warned_of_file: Option<String>,
}

impl Observers {
    /// Connects to nothing yet.
    pub fn new(settings: &Settings) -> Self {
        Self {
            notifier: Notifier::new(&settings.messages),
            figures: Figures::read(settings),
            has_failed: false,
            under_way: JoinSet::new(),
            warned: Arc::default(),
            warned_of_file: None,
        }
    }

    /// Begins to serve figures, if that was asked for.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn listen(&mut self, settings: &Settings) -> Result<(), String> {
        self.figures.listen(settings).await
    }

    /// Others from now on, who know what was before.
    pub fn change(&mut self, settings: &Settings) {
        self.notifier = Notifier::new(&settings.messages);
        self.figures.change(settings);
    }

    /// A run begins.
    pub fn begin(&mut self) {
        if let Some(notifier) = &mut self.notifier {
            notifier.begin();
        }
    }

    /// The only run has ended: waits until everybody was told, but not after a stop.
    pub async fn end(&mut self, report: &mut RunReport, events: &Events, mut stop: Stop) {
        if let Some(text) = self.figures.observe(report).await {
            warn(events, text);
            report.notes = events.notes();
        }
        let is_recovery = self.is_recovery(report);
        let Some(notifier) = &mut self.notifier else { return };
        let message = message(report, is_recovery);
        let telling = notifier.end(&message);
        let hurry = async {
            stop.wait().await;
            tokio::time::sleep(LAST_MOMENT).await;
        };
        tokio::select! {
            told = telling => {
                told.unwrap_or_default().into_iter().for_each(|text| warn(events, text));
                report.notes = events.notes();
            }
            () = hurry => {}
        }
    }

    /// A run has ended, and another will follow: nobody waits for a web server.
    pub async fn end_of_one(&mut self, report: &RunReport, events: &Events) {
        let warning = self.figures.observe(report).await;
        if warning != self.warned_of_file {
            warning.iter().for_each(|text| warn(&events.of_next_run(), text.clone()));
            self.warned_of_file = warning;
        }
        let is_recovery = self.is_recovery(report);
        let Some(notifier) = &mut self.notifier else { return };
        while self.under_way.try_join_next().is_some() {}
        if self.under_way.len() >= MOST_MESSAGES {
            return;
        }
        let message = message(report, is_recovery);
        let telling = notifier.end(&message);
        let (warned, events) = (Arc::clone(&self.warned), events.of_next_run());
        self.under_way.spawn(async move {
            let told = telling.await.unwrap_or_default();
            let mut warned = warned.lock().unwrap_or_else(PoisonError::into_inner);
            let new = told.iter().filter(|text| !warned.contains(text));
            new.for_each(|text| warn(&events, text.clone()));
            *warned = told;
        });
    }

    /// After a stop: what is being told gets a last moment, if the run was stopped.
    pub async fn leave(mut self, was_running: bool) {
        if was_running {
            let all = async { while self.under_way.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(LAST_MOMENT, all).await;
        }
    }

    /// Whether a run is the first success after failures; takes note of how it ended.
    fn is_recovery(&mut self, report: &RunReport) -> bool {
        let exit_status = report.exit_status();
        let is_recovery = exit_status == 0 && self.has_failed;
        if exit_status != 4 {
            self.has_failed = !matches!(exit_status, 0 | 130 | 143);
        }
        is_recovery
    }
}

fn message(report: &RunReport, is_recovery: bool) -> Message {
    Message {
        exit_status: report.exit_status(),
        has_changes: report.totals().changed() && !report.dry_run,
        is_recovery,
        verdict: report::summary::verdict(report),
        summary: report::summary::for_message(report),
        sentence: report::summary::for_chat(report),
        // Strings and numbers always serialize; the type system cannot know.
        object: report::json::object(report, false).unwrap_or_default(),
    }
}

fn warn(events: &Events, text: String) {
    events.send(Event::Note(Note { table: None, text, level: NoteLevel::Warning }));
}
