//! The source: one exported snapshot that every session of a run shares, read only. What it offers
//! is narrow on purpose: describe, take snapshot and horizon, digest, stream COPY text.

mod postgres;

pub use postgres::{Opening, Source, still, unless_dropped};
