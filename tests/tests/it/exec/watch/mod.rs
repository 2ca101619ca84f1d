//! `km exec --watch`: a program that is restarted or signalled when a value has changed.

mod exit;
mod failed_reads;
mod polling;
pub(crate) mod program;
mod restarts;
mod signals;
mod stop;
mod variables;
