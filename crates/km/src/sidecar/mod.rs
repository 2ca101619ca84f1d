//! The client by which commands talk to a running sidecar, `km serve`, on this machine.
//!
//! Requests go to loopback or to the Unix socket of this user or root only, and responses are
//! bounded in size and time.

pub(crate) mod address;
mod client;
mod connection;
pub(crate) mod refresh;
mod response;
pub(crate) mod secret;
pub(crate) mod status;
mod token_file;

pub(crate) use client::Sidecar;
