//! End-to-end tests of the `km` program against a real server: arguments, environment, stdin,
//! stdout, stderr, exit codes and signals. [`listener`] provides scripted servers that misbehave.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

pub(crate) mod common;
pub(crate) mod listener;
pub(crate) mod program;

pub(crate) mod check;
mod config;
mod delete;
mod exit_code;
mod fallback;
mod help;
mod key;
mod list;
mod output;
mod read;
mod signals;
mod write;
