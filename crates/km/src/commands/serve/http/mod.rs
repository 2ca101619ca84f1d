//! Request bodies, JSON responses and error responses.

pub(super) mod body;
pub(super) mod error_response;
pub(super) mod json;
