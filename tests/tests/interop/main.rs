//! LiteLLM's own code and the `km` program side by side, on the same real server; and hvac, which is
//! installed beside LiteLLM, as a client of `km serve`.
//!
//! Each test is ignored unless asked for, since it needs LiteLLM: `cargo xtask interop` installs it
//! and runs them all. Without it they fail.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod step;
mod world;

mod config;
mod custom;
mod guides;
mod hvac;
mod names;
mod provider;
mod teams;
mod values;

mod deviations;
