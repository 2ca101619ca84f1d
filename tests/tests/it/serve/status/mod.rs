//! `km status`, in front of a running sidecar or of none.

mod command;
mod other_user;
mod terminal;
mod watch;
