//! Connections to PostgreSQL, both sides alike: TCP, TLS and Unix sockets, a pool per side, the
//! session settings that text output depends on, the few ways in which statements are
//! sent, and the words for what can go wrong. The only door to tokio-postgres, deadpool,
//! deadpool-postgres and rustls.
//! No policy, no retry.

pub mod cancel;
pub mod catalog;
pub mod connect;
mod control_session;
mod copy;
pub mod definitions;
pub mod failure;
pub mod holders;
mod keepalive;
mod known_tables;
pub mod lock_holder;
mod manager;
mod pool;
mod pooler;
mod redaction;
pub(crate) mod rights;
pub mod sequences;
mod session;
pub(crate) mod tls;
pub mod uncopied;
mod verify;
mod warnings;

pub use control_session::ControlSession;
pub use copy::{RowSink, RowStream};
pub use known_tables::KnownTables;
pub use pool::{Pool, PooledSession};
pub use session::{Backend, CopyIn, EMPTY_PATH, Masking, OWN_SNAPSHOT, Row, Session, Settings};
