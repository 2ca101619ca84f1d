//! `km check`.

pub(crate) mod report;

mod failures;
mod success;
