//! The `km` program from outside: arguments, environment, stdin, stdout, stderr, exit codes and
//! signals, against a real server. Servers that misbehave are played by [`listener`].

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

pub(crate) mod common;
pub(crate) mod listener;
pub(crate) mod program;

mod exit_auth;
mod exit_stored;
mod exit_unavailable;
mod exit_usage;

mod help;
mod output;
mod terminal;
mod terminal_text;

mod check;
mod check_failures;
mod delete;
mod fallback;
mod list;
mod read;
mod write;
mod write_cas;
mod write_lost;

mod address;
mod config_file;
mod config_refused;
mod credential_files;
mod hostile;
mod location;

mod signals;
mod signals_write;

mod key_common;
mod key_move;
mod key_policy;
mod key_refused;
mod key_stops;
mod key_store;
mod key_teams;
mod stopper;
