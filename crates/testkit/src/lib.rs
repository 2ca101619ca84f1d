//! The test harness.
//!
//! With the feature `server`, [`Server::shared`] is the server that all tests of a process share, and a
//! [`Fixture`] is one test's mount, policy and role on it. A test that seals, stops or restarts a
//! server starts its own with [`Server::dedicated`]. [`Km`] runs the program, [`LiteLlm`] the gateway
//! that it is compared with, [`Provider`] is a model provider that counts the uses of its keys, [`Directory`]
//! answers the binds of LDAP logins, [`Sts`] the requests of AWS logins, and [`Scripted`] is a server that returns any bytes at any time.
//!
//! With the feature `leaks`, the module `leaks` fails a test whose secrets reach a log. [`memory`]
//! searches the memory of a process for secrets. [`probe`] finds out how this machine can run a
//! server; it uses the standard library alone, because `xtask` runs it before anything else is built.
//!
//! **Invariant**: the harness uses none of the product's code, so that a fault of the product cannot
//! hide itself.

mod flavor;
#[cfg(feature = "leaks")]
pub mod leaks;
#[cfg(target_os = "linux")]
pub mod memory;
pub mod probe;
#[cfg(feature = "leaks")]
mod unique;

#[cfg(feature = "server")]
mod certs;
#[cfg(feature = "server")]
mod directory;
#[cfg(feature = "server")]
mod dispositions;
#[cfg(feature = "server")]
mod environment;
#[cfg(feature = "server")]
mod fixture;
#[cfg(feature = "server")]
mod km;
#[cfg(feature = "server")]
mod litellm;
#[cfg(feature = "server")]
mod private_file;
mod program_file;
#[cfg(feature = "server")]
mod provider;
#[cfg(feature = "server")]
mod raw;
#[cfg(feature = "server")]
mod reaper;
#[cfg(feature = "server")]
pub mod scripted;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
mod source;
#[cfg(feature = "server")]
mod sts;

pub use flavor::{Flavor, Release};
#[cfg(feature = "leaks")]
pub use leaks::secret;
pub use program_file::{copy_program, write_program};
#[cfg(feature = "leaks")]
pub use unique::unique;

#[cfg(feature = "server")]
pub use {
    certs::{Certs, Pem},
    directory::Directory,
    fixture::{Engine, Fixture, FixtureSpec},
    km::{Km, Output, Running},
    litellm::LiteLlm,
    private_file::write_private,
    provider::{KeyUse, Provider},
    raw::{Raw, encoded},
    scripted::{Scripted, Step},
    server::{Access, Cluster, Server},
    source::{client_programs, prepared_server, server_program},
    sts::Sts,
};
