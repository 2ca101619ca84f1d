//! `km check`.

mod failures;
pub(super) mod success;
