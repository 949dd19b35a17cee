//! Connections to PostgreSQL, both sides alike: a pool per side, the session settings that text
//! output depends on (DESIGN §4.1), and the few ways in which statements are sent. The only door to
//! tokio-postgres, deadpool and rustls. No policy, no retry.

pub mod catalog;
pub mod connect;
mod copy;
pub mod failure;
mod pool;
mod session;

pub use copy::{RowSink, RowStream};
pub use pool::{Lease, Pool};
pub use session::{Row, Session};
