//! The login: a namespace, and one method with everything it needs.
//!
//! Each method is read as a [`candidate`], and one of them is [chosen](choose).

mod candidate;
mod choose;
mod method;
mod methods;
mod name;
mod parts;

pub(crate) use choose::{read, without_method};
pub use method::{Login, Method};
