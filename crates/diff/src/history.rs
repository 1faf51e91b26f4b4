//! The protocol over time.
