#![doc = include_str!("../README.md")]

mod path;

mod address;
mod deadline;

mod request;
mod response;

mod error;

mod token;

mod client;

mod connection;
pub mod transport;

#[cfg(any(test, feature = "test-util"))]
pub mod test_util;

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "../../../tests/src/memory.rs"]
#[expect(unreachable_pub, reason = "taken in as it is")]
mod memory;

pub mod file;
pub mod json;
pub mod zeroizing;

pub use address::{Address, AddressError, Plaintext};
pub use client::Client;
pub use client::builder::{BuildError, BuildErrorKind, ClientBuilder, DEFAULT_DEADLINE};
pub use client::exchange::MAX_BODY_BYTES;
pub use connection::Resolve;
pub use connection::tls::{ClientIdentity, TlsError};
pub use deadline::Deadline;
pub use error::Error;
pub use error::kind::{ErrorKind, ErrorSemantics, Executed};
pub use http::Method;
pub use path::{ApiPath, MAX_PATH_BYTES, PathError};
pub use request::Request;
pub use response::Response;
pub use token::session::Session;
pub use token::source::{Denial, DenialOutcome, Generation, IssuedToken, TokenSource};
pub use token::{Token, TokenError};
