//! Environment variables with secrets, for `km exec` and `km export`: which secrets they are bound
//! to, and what is refused.

mod arg_max;
mod bindings;
mod environment;

pub(crate) use arg_max::{largest_names, max_total_bytes, total_bytes, variable_bytes};
pub(crate) use bindings::{Credentials, to_bindings};
pub(crate) use environment::{check_variables, is_credential, remove_credentials};
