//! What a server warns of while statements run on a session. Most sessions ask for errors only.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_postgres::error::{DbError, Severity};

use super::failure::one_line;
use super::redaction::Message;

/// How many warnings are kept: a statement may warn of each row.
const KEPT: usize = 20;

/// The warnings of one connection that nobody has taken yet.
#[derive(Clone, Default)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// Keeps what the server says, if it is a warning. Words that may quote a value are left out.
    pub(super) fn note(&self, said: &DbError) {
        if said.parsed_severity() != Some(Severity::Warning) {
            return;
        }
        let text = one_line(said.message());
        let text = if Message::of(said, "").text == text {
            text
        } else {
            "a warning whose words may quote a value: run the statement with psql to see it"
                .to_owned()
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT && !kept.contains(&text) {
            kept.push(text);
        }
    }

    /// Those since the last time.
    pub fn take(&self) -> Vec<String> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
