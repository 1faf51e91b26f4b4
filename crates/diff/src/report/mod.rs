//! A comparison as people and programs read it: one module per format.

#[cfg(test)]
pub(crate) mod example;
pub(crate) mod filters;
pub mod github;
pub mod html;
pub mod json;
pub mod markdown;
mod sections;
mod summary;
pub mod text;
mod view;
pub(crate) mod words;

pub use summary::Summary;
