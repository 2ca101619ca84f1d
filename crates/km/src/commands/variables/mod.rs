//! Environment variables with secrets, for `km exec` and `km export`: which names, their values, and
//! what is refused.

mod arg_max;
mod environment;
mod names;
mod values;

pub(crate) use arg_max::{largest_names, max_total_bytes, total_bytes, variable_bytes};
pub(crate) use environment::{credentials, is_credential};
pub(crate) use names::{Credentials, to_resolve};
pub(crate) use values::{Values, resolve, resolve_initial, warn_of_suspicious};
