//! The native API.

mod keys;
mod polling;
mod refresh;
mod secrets;
mod status;
