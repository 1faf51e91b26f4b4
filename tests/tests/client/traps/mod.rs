//! What the real server does that a client could stumble over, and what a user of the client can rely on.

mod connections;
mod items;
mod turns;
