//! Which requests are accepted: their origin, and the token that they carry.

pub(crate) mod origin;
pub(crate) mod token;
mod token_file;
