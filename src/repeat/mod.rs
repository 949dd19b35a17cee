//! Runs that follow each other until a signal comes: when the next one begins, what a signal does in
//! between, and what systemd hears. What a run does is `run`'s affair, what is printed `report`'s.
//! Between two runs no connection is open.

pub mod comparison;
mod figures;
mod observers;
mod schedule;
mod service;

use std::time::Duration;

use tokio::signal::unix;
use tokio::signal::unix::SignalKind;
use tokio::time::Instant;

use crate::config::{Resolved, Settings};
use crate::error::{Error, Result};
use crate::event::{Event, Events};
use crate::note::{Note, NoteLevel};
use crate::outcome::RunReport;
use crate::report::summary;
use crate::run;
use crate::run::memory::Memory;
use crate::stop::Stop;
use observers::Observers;
use schedule::{Ending, Schedule};
use service::Service;

/// Who hears of the runs, and what they obey.
pub struct Listeners {
    pub events: Events,
    pub stop: Stop,
    /// Reads the configuration again: the command line, the environment and the files that they name.
    pub read: fn() -> Result<Resolved>,
}

/// Runs at intervals of `every` until a signal comes; gives the exit status. It is 0 when the signal
/// came between two runs.
pub async fn until_stopped(settings: Settings, every: Duration, listeners: Listeners) -> u8 {
    match unix::signal(SignalKind::hangup()) {
        Ok(hangup) => {
            let schedule = Schedule::new(every);
            let mut observers = Observers::new(&settings);
            if let Err(why) = observers.listen(&settings).await {
                say(&listeners.events, NoteLevel::Warning, why);
                return 1;
            }
            let memory = Memory::of_repeated_runs();
            let repeat = Repeat { settings, schedule, observers, listeners, hangup, memory };
            repeat.until_stopped().await
        }
        Err(error) => {
            let text = format!("signals cannot be caught: {error}");
            say(&listeners.events, NoteLevel::Warning, text);
            1
        }
    }
}

/// One run, and everybody who hears of it is told.
pub async fn once(settings: Settings, events: Events, stop: Stop) -> RunReport {
    let mut observers = Observers::new(&settings);
    observers.begin();
    let mut report = run::run(settings, events.clone(), stop.clone()).await;
    observers.end(&mut report, &events, stop).await;
    report
}

struct Repeat {
    settings: Settings,
    schedule: Schedule,
    observers: Observers,
    listeners: Listeners,
    hangup: unix::Signal,
    /// What a run leaves to the next one.
    memory: Memory,
}

/// What ended a pause.
enum Wake {
    Due,
    Stopped,
    Hangup,
}

impl Repeat {
    async fn until_stopped(mut self) -> u8 {
        let service = Service::ready();
        loop {
            let began = Instant::now();
            let report = self.run().await;
            let (ending, status) = (ending(&report), report.exit_status());
            if ending != Ending::Skip {
                service.status(&summary::verdict(&report));
                self.observers.end_of_one(&report, &self.listeners.events).await;
            }
            self.listeners.events.send(Event::Ended(Box::new(report)));
            if self.listeners.stop.requested().is_some() {
                let was_running = matches!(status, 130 | 143);
                self.observers.leave(was_running).await;
                return if was_running { status } else { 0 };
            }
            self.schedule.ended(ending);
            if !self.sleep(began, &service).await {
                return 0;
            }
        }
    }

    async fn run(&mut self) -> RunReport {
        self.observers.begin();
        let events = self.listeners.events.of_next_run();
        let stop = self.listeners.stop.clone();
        Box::pin(run::run_knowing(self.settings.clone(), events, stop, &self.memory)).await
    }

    /// Waits until the next run is due; `false` when a signal asks for the end.
    async fn sleep(&mut self, began: Instant, service: &Service) -> bool {
        let mut due = began + self.schedule.interval();
        loop {
            match self.wake(due).await {
                Wake::Due => return true,
                Wake::Stopped => return false,
                Wake::Hangup => {
                    service.reloading();
                    self.reload();
                    service.ready_again();
                    due = began + self.schedule.interval();
                }
            }
        }
    }

    /// A signal comes before what is due: with `-every 0s` something always is.
    async fn wake(&mut self, due: Instant) -> Wake {
        tokio::select! {
            biased;
            _ = self.listeners.stop.wait() => Wake::Stopped,
            Some(()) = self.hangup.recv() => Wake::Hangup,
            () = tokio::time::sleep_until(due) => Wake::Due,
        }
    }

    /// What is wrong leaves everything as it was.
    fn reload(&mut self) {
        let refusal = match (self.listeners.read)() {
            Ok(Resolved { settings, warnings }) => match settings.every {
                Some(every) => return self.change(*settings, every, warnings),
                None => "-every (every) is missing".to_owned(),
            },
            Err(Error::Config(problems)) => problems.join("; "),
            Err(error) => error.to_string(),
        };
        let text = format!("SIGHUP received: the configuration stays as it was: {refusal}");
        say(&self.listeners.events, NoteLevel::Warning, text);
    }

    fn change(&mut self, settings: Settings, every: Duration, warnings: Vec<String>) {
        self.schedule.change(every);
        self.observers.change(&settings);
        self.settings = settings;
        let events = &self.listeners.events;
        say(events, NoteLevel::Notice, "SIGHUP received: the configuration was read again".into());
        warnings.into_iter().for_each(|text| say(events, NoteLevel::Warning, text));
    }
}

/// To whoever listens; no run has it among its notes.
fn say(events: &Events, level: NoteLevel, text: String) {
    events.of_next_run().send(Event::Note(Note { table: None, text, level }));
}

fn ending(report: &RunReport) -> Ending {
    match report.exit_status() {
        0 => Ending::Success,
        4 => Ending::Skip,
        _ => Ending::Failure,
    }
}
