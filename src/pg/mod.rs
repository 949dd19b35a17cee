//! Connections to PostgreSQL, both sides alike: TCP, TLS and Unix sockets, a pool per side, the
//! session settings that text output depends on (DESIGN §4.1), the few ways in which statements are
//! sent, and the words for what can go wrong. The only door to tokio-postgres, deadpool,
//! deadpool-postgres and rustls.
//! No policy, no retry.

pub mod cancel;
pub mod catalog;
pub mod connect;
mod copy;
pub mod definitions;
pub mod failure;
mod keeper;
mod manager;
mod pool;
mod pooler;
mod session;
mod silence;
mod tls;
mod values;
mod verify;

pub use copy::{RowSink, RowStream};
pub use keeper::Keeper;
pub use pool::{Lease, Pool};
pub use session::{Backend, CopyIn, EMPTY_PATH, OWN_SNAPSHOT, Row, Session, Settings};
