#![doc = include_str!("../README.md")]

mod login;
mod method;
mod methods;

mod auth;
#[cfg(feature = "reqwest")]
mod authenticated;
mod builder;
mod handle;
mod status;

mod life;

mod current;
mod denials;
mod shared;
mod sync;

#[cfg(test)]
mod interleavings;

mod driver;
mod own;
mod report;
mod work;

mod credential;
mod files;

pub use auth::{Auth, OnShutdown};
#[cfg(feature = "reqwest")]
pub use authenticated::{AuthenticatedClient, SendError};
pub use builder::AuthBuilder;
pub use credential::{Credential, CredentialReader};
pub use handle::Handle;
pub use login::Login;
pub use method::{LoginClient, Method};
pub use methods::{AppRole, Certificate, Jwt, StaticToken, Userpass};
pub use status::{Counts, State, Status, TokenKind};
