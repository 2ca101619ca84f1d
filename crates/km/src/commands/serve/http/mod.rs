//! Bodies of requests and responses.

pub(super) mod body;
pub(super) mod json;
