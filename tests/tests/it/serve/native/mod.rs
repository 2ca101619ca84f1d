//! The native API.

mod keys;
mod secrets;
