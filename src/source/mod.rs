//! The source: one exported snapshot that every session of a run shares, read only. What it offers
//! is narrow on purpose: describe, take snapshot and horizon, digest, stream COPY text.

mod horizon;
mod postgres;
mod readers;

pub use horizon::{Doubt, Visibility};
pub use postgres::{IMPORT_AGAIN, Source, SourceState, check_not_rewritten, import_again};
pub use readers::{Reader, Readers};
