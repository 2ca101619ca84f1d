//! SIGINT and SIGTERM during a command.

mod read;
mod write;
