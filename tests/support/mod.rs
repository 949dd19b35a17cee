//! The test language: two real clusters, a pair of databases per test, runs of the built program,
//! and assertions that never trust the code under test.
//!
//! Clusters are started on first use and shared by all test processes (see `cluster`); set
//! `PGSYNC_TEST_SOURCE` and `PGSYNC_TEST_TARGET` to superuser URLs to use servers of your own.
#![allow(dead_code, unused_imports)] // every test binary speaks its own part of the language

mod cluster;
mod content;
mod memory;
mod outcome;
mod own;
mod pair;
mod proxy;
mod random;
mod roles;
mod run;
mod server;
mod session;
mod untouched;
mod web;
mod wire;

pub use cluster::{Server, clusters};
pub use memory::{PROMISED, peak};
pub use outcome::{Outcome, TableResult};
pub use own::{OwnServer, SmallDisk};
pub use pair::Pair;
pub use proxy::{Proxy, Then, Way, When};
pub use random::Random;
pub use roles::{Rights, Role};
pub use run::{Running, Sync, pgsync};
pub use server::{ServerUser, bin_folder};
pub use session::Session;
pub use web::{Web, WebServer};
pub use wire::Wire;
