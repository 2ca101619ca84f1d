#![doc = include_str!("../README.md")]

mod path;

mod address;
mod deadline;

mod request;
mod response;

mod classify;
mod error;
mod kind;

mod source;
mod token;

mod builder;
mod client;
mod session;

mod availability;
mod exchange;
mod gate;
mod leader;
mod redirect;
mod retry;

mod connection;
mod tls;
pub mod transport;
mod trust;

#[cfg(any(test, feature = "test-util"))]
pub mod test_util;

pub mod file;
pub mod json;
pub mod zeroizing;

pub use address::{Address, AddressError, Plaintext};
pub use builder::{BuildError, BuildErrorKind, ClientBuilder, DEFAULT_DEADLINE};
pub use client::Client;
pub use connection::Resolve;
pub use deadline::Deadline;
pub use error::Error;
pub use exchange::MAX_BODY_BYTES;
pub use http::Method;
pub use kind::{ErrorKind, ErrorSemantics, Executed};
pub use path::{ApiPath, MAX_PATH_BYTES, PathError};
pub use request::Request;
pub use response::Response;
pub use session::Session;
pub use source::{Denial, DenialOutcome, Generation, IssuedToken, TokenSource};
pub use tls::{ClientIdentity, TlsError};
pub use token::{Token, TokenError};
