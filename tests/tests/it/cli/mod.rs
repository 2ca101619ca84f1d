//! The `km` program from outside: arguments, environment, stdin, stdout, stderr, exit codes and
//! signals, against a real server. Servers that misbehave are played by [`listener`].

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

pub(crate) mod common;
pub(crate) mod listener;
pub(crate) mod program;

mod check;
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
