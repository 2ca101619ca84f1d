//! The background task of a token source.
//!
//! The [`Driver`] owns the [token machine](crate::machine). It performs the machine's actions as
//! [requests](Requests), each in its own task, and feeds their results back as events. It ends when
//! the last clone of its token source is dropped.

mod handle;
mod requests;
mod shutdown;
mod task;

pub(crate) use handle::{DriverHandle, Message, Outcome};
pub(crate) use requests::Requests;
pub(crate) use shutdown::shut_down_error;
pub(crate) use task::Driver;
