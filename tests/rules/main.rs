//! Rules of tables, told from outside: which rows and columns arrive, under which names, and what is refused.

#[path = "../support/mod.rs"]
mod support;

mod append;
mod check;
mod columns;
mod ddl;
mod filters;
mod leaks;
mod masks;
mod property;
mod verify;
