//! `km check`.

pub(crate) mod report;

mod failures;
mod secrets;
mod success;
