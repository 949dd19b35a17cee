//! What a run does when something goes wrong or should not be done: stops, locks, rails, lost
//! connections and servers, little room, and secrets. Faults are made, never awaited.

#[path = "../support/mod.rs"]
mod support;

mod connections;
mod dry_run;
mod keepalive;
mod kills;
mod locks;
mod memory;
mod moments;
mod poolers;
mod rails;
mod secrets;
mod servers;
mod shadows;
mod signals;
mod standby;
mod terminated;
