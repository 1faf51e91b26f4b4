//! The store on SQLite and on PostgreSQL: one body for each test.

#[path = "../support/mod.rs"]
mod support;

mod events;
mod files;
mod leases;
mod outbox;
mod recordings;
mod requests;
mod tasks;
mod turns;
mod writer;
