//! Environment variables with secrets, for `km exec` and `km export`: which names, and what is
//! refused.

mod arg_max;
mod environment;
mod names;

pub(crate) use arg_max::{largest_names, max_total_bytes, total_bytes, variable_bytes};
pub(crate) use environment::{check, credentials, is_credential};
pub(crate) use names::{Credentials, to_resolve};
