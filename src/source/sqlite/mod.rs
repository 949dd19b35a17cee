//! A SQLite file as the source.

pub mod values;
