//! The door to PostgreSQL servers: connections over TCP, TLS and Unix sockets, and the words for what
//! can go wrong on them. Nothing here decides what to do about a failure.

pub mod cancel;
pub mod connect;
pub mod failure;
mod tls;
mod verify;
