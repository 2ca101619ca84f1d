//! The harness that gives tests a real Vault server.
//!
//! A test asks [`Server::shared`] for the server that its process shares, makes a [`Fixture`] of
//! its own on it, and so runs beside the others. What seals, stops or restarts takes
//! [`Server::dedicated`]. [`leaks`] fails a test whose secrets reach a log, and [`Km`] runs the
//! program itself. The suites live in `tests/it`, one binary; those that set the program beside
//! [`LiteLlm`] in `tests/interop`.
//!
//! Nothing here uses the product's code: it is the second look that the product is judged by.

mod certs;
mod dispositions;
mod environment;
mod fixture;
mod km;
pub mod leaks;
mod litellm;
mod private_file;
pub mod probe;
mod raw;
mod reaper;
pub mod scripted;
pub mod server;
mod source;
mod unique;

pub use certs::{Certs, Pem};
pub use fixture::{Engine, Fixture, FixtureSpec};
pub use km::{Km, Output, Running};
pub use leaks::secret;
pub use litellm::LiteLlm;
pub use private_file::write_private;
pub use raw::{Raw, encoded};
pub use scripted::{Scripted, Step};
pub use server::{Access, Cluster, Server};
pub use source::vault_program;
pub use unique::unique;
