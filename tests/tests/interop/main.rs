//! LiteLLM's own code and `km` on the same real server, and hvac as a client of `km serve`.
//!
//! Each test is ignored by default, because it needs LiteLLM: `cargo xtask interop` installs it and
//! runs all of them. Without it they fail.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod page;
mod step;
mod world;

mod config;
mod custom;
mod dotenv;
mod guides;
mod hvac;
mod names;
mod provider;
mod rotation;
mod teams;
mod values;

mod deviations;
