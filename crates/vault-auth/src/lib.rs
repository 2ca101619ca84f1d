#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(feature = "tracing"),
    expect(unused_variables, reason = "some values are only logged")
)]

mod auth;
#[cfg(feature = "reqwest")]
mod authenticated;
mod builder;
mod handle;
mod login;
mod status;
mod subscription;
mod token_source;

mod credential;
mod method;

mod machine;
mod shared;

mod driver;
mod log;
mod metrics;
mod recorder;
mod token_self;

pub use auth::{Auth, OnShutdown};
#[cfg(feature = "reqwest")]
pub use authenticated::{AuthenticatedClient, SendError};
pub use builder::AuthBuilder;
pub use credential::{Credential, CredentialReader, Provider};
pub use handle::Handle;
pub use login::{Login, LoginInfo};
pub use method::{AppRole, Certificate, Jwt, Ldap, LoginClient, Method, StaticToken, Userpass};
#[cfg(feature = "aws")]
pub use method::{AwsCredentials, AwsIam};
pub use status::{Counts, State, Status, TokenKind};
pub use subscription::StatusChanges;

// What the signatures of this crate contain.
pub use async_trait::async_trait;
pub use {secrecy, vault_http};
