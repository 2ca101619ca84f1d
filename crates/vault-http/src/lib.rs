#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(feature = "tracing"),
    expect(unused_variables, reason = "some values are only logged")
)]

mod address;
mod path;

mod deadline;
mod request;
mod response;
mod traceparent;

mod error;
mod token;

mod client;
mod connection;
pub mod transport;

mod log;

pub mod env;
pub mod file;
pub mod json;
pub mod zeroizing;

#[cfg(any(test, feature = "test-util"))]
pub mod test_util;

pub use address::error::AddressError;
pub use address::{Address, Plaintext};
pub use client::Client;
pub use client::builder::{ClientBuilder, DEFAULT_DEADLINE};
pub use client::server_status::ServerStatus;
pub use connection::dns::Resolve;
pub use connection::tls::error::TlsError;
pub use connection::tls::identity::ClientIdentity;
pub use deadline::Deadline;
pub use error::build::{BuildError, BuildErrorKind};
pub use error::{Error, ErrorKind, ErrorSemantics, Executed};
pub use http::Method;
pub use path::{ApiPath, MAX_PATH_BYTES, PathError};
pub use request::{HeaderError, MAX_BODY_BYTES, MAX_REQUEST_HEADER_BYTES, Request};
pub use response::Response;
pub use response::envelope::{Lease, WrapInfo};
pub use rustls::crypto::CryptoProvider;
pub use token::fixed::FixedToken;
pub use token::session::Session;
pub use token::source::{Denial, DenialOutcome, Generation, IssuedToken, TokenSource};
pub use token::{Token, TokenError};
pub use traceparent::{Traceparent, TraceparentError};

// The crates whose types are in signatures of this one.
pub use async_trait::async_trait;
pub use {bytes, http, secrecy};
