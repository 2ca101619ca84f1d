//! End-to-end tests of the `km` program against a real server: arguments, environment, stdin,
//! stdout, stderr, exit codes and signals. [`listener`] provides scripted servers that misbehave.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

pub(crate) mod check;
pub(crate) mod common;
pub(crate) mod listener;
pub(crate) mod program;
pub(crate) mod stopper;

mod completions;
mod config;
mod delete;
mod effective;
mod exit_code;
mod export;
mod fallback;
mod help;
mod import;
mod key;
mod list;
mod output;
mod read;
mod read_options;
mod signals;
mod terminal;
mod versions;
mod write;
