//! The figures of the runs of one program: counted, written into a file, and served.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;

use crate::config::Settings;
use crate::metrics::listen::{Listener, Served};
use crate::metrics::{Metrics, file, listen};
use crate::outcome::RunReport;

/// Where the figures are, and where they go.
pub struct Figures {
    served: Arc<Mutex<Served>>,
    file: Option<PathBuf>,
    listener: Option<Listener>,
}

impl Figures {
    /// What the file says is counted on.
    pub fn read(settings: &Settings) -> Self {
        let wanted = &settings.metrics;
        let text = wanted.file.as_deref().map(file::read).unwrap_or_default();
        let metrics = Metrics::from_text(&text, wanted.every_table);
        let every = settings.every.unwrap_or(Duration::ZERO);
        let served = Arc::new(Mutex::new(Served { metrics, every, succeeded: None }));
        Self { served, file: wanted.file.clone(), listener: None }
    }

    /// Begins to serve, if that was asked for.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn listen(&mut self, settings: &Settings) -> Result<(), String> {
        let Some(address) = settings.metrics.listen else { return Ok(()) };
        let listener = listen::start(address, Arc::clone(&self.served)).await;
        let listener = listener.map_err(|error| {
            let words = error.to_string();
            let words = words.split(" (os error").next().unwrap_or_default().to_lowercase();
            format!("-listen {address}: {words}")
        })?;
        self.listener = Some(listener);
        Ok(())
    }

    /// Goes on with other settings. The address stays as it was.
    pub fn change(&mut self, settings: &Settings) {
        self.file.clone_from(&settings.metrics.file);
        let mut served = self.served();
        served.metrics.set_every_table(settings.metrics.every_table);
        served.every = settings.every.unwrap_or(Duration::ZERO);
    }

    /// Takes in a run. Gives a warning when the file cannot be written.
    pub async fn observe(&self, report: &RunReport) -> Option<String> {
        let path = self.file.clone();
        if path.is_none() && self.listener.is_none() {
            return None;
        }
        let text = {
            let mut served = self.served();
            served.metrics.observe(report);
            if report.exit_status() == 0 && !report.dry_run {
                served.succeeded = Some(Instant::now());
            }
            path.is_some().then(|| served.metrics.text(Utc::now()))
        };
        let (path, text) = (path?, text?);
        let written = tokio::task::spawn_blocking(move || file::write(&path, &text)).await;
        written.unwrap_or_else(|_| Err("-metrics: internal error".into())).err()
    }

    fn served(&self) -> MutexGuard<'_, Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
