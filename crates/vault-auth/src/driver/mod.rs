//! The task that owns a token.

mod handle;
mod requests;
mod shutdown;
mod task;

pub(crate) use handle::{Message, Outcome, Reins};
pub(crate) use requests::Work;
pub(crate) use shutdown::ended;
pub(crate) use task::Driver;
