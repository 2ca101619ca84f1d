//! The native API.

mod keys;
mod refresh;
mod secrets;
mod status;
