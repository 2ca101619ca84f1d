//! The native API: provider secrets by name, virtual keys by alias.

mod change;
mod keys;
mod request;
mod secrets;
mod status;

pub(super) use keys::{key, keys};
pub(super) use request::method_not_allowed;
pub(super) use secrets::secret;
pub(super) use status::status;
