//! `km check`.

pub(super) mod report;

mod failures;
mod secrets;
mod success;
