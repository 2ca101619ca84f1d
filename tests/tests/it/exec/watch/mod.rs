//! `km exec --watch`: a program that is started again, or told, when a value has changed.

mod exit;
mod failed_reads;
mod program;
mod restarts;
mod signals;
