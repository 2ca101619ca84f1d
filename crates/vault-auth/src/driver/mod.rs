//! The task that owns a token.

mod handle;
mod requests;
mod shutdown;
mod task;

pub(crate) use handle::{DriverHandle, Message, Outcome};
pub(crate) use requests::Requests;
pub(crate) use shutdown::shut_down_error;
pub(crate) use task::Driver;
