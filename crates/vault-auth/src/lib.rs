#![doc = include_str!("../README.md")]

mod method;
mod methods;

mod auth;
mod lease;
mod state;

mod credential;

pub use auth::Auth;
pub use credential::Credential;
pub use method::{Link, Login, Method};
pub use methods::{AppRole, Certificate, Jwt, StaticToken, Userpass};
