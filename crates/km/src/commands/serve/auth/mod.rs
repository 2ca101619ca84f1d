//! Which requests are accepted.

pub(super) mod origin;
pub(super) mod token;
mod token_file;
