//! Exit codes: each kind of failure, in the text and in the JSON form.

mod auth;
mod stored;
mod unavailable;
mod usage;
