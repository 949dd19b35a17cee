//! Tells web servers that a comparison began and how it ended, as they are told of runs.

use crate::config::{Messages, Output};
use crate::notify::{Message, Notifier};
use crate::report::verify;
use crate::verify::VerifyReport;

/// Tells of one comparison.
pub struct Messenger(Option<Notifier>);

impl Messenger {
    /// The comparison begins.
    pub fn begin(messages: &Messages) -> Self {
        let mut notifier = Notifier::new(messages);
        if let Some(notifier) = &mut notifier {
            notifier.begin();
        }
        Self(notifier)
    }

    /// It has ended; gives a warning per server that could not be told. No message holds values of rows.
    pub async fn end(self, found: &VerifyReport, exit_status: u8) -> Vec<String> {
        let Some(mut notifier) = self.0 else { return Vec::new() };
        notifier.end(&message(found, exit_status)).await.unwrap_or_default()
    }
}

fn message(found: &VerifyReport, exit_status: u8) -> Message {
    let mut found = found.clone();
    for row in found.tables.iter_mut().flat_map(|table| &mut table.first) {
        (row.source, row.target, row.statement) = (None, None, None);
    }
    let verdict = match &found.error {
        Some(error) => error.to_string(),
        None => verify::sentence(&found),
    };
    Message {
        exit_status,
        has_changes: false,
        is_recovery: false,
        summary: format!("{}{verdict}\n", verify::text(&found, Output::default())),
        sentence: format!("pgsync verify: {verdict}"),
        object: verify::object(&found),
        verdict,
    }
}
