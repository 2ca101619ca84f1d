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

pub use auth::{Auth, OwnToken};
#[cfg(feature = "reqwest")]
pub use authenticated::{AuthenticatedClient, SendError};
pub use builder::AuthBuilder;
pub use credential::{Credential, LastGood};
pub use handle::Handle;
pub use login::Login;
pub use method::{Link, Method};
pub use methods::{AppRole, Certificate, Jwt, StaticToken, Userpass};
pub use status::{Counts, Kind, State, Status};
