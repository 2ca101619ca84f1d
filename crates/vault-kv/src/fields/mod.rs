//! The fields of a secret, zeroized on drop.
//!
//! A string is kept byte for byte, any other value as its JSON text, so that a number keeps its
//! digits. No error of these modules quotes a value.

mod any;
mod convert;
mod deserialize;
mod error;
mod map;
mod parse;
mod raw;
mod same_json;
mod serialize;
mod value;

#[cfg(test)]
mod tests;

pub use self::error::{FieldError, ParseError, ParseErrorKind, SerializeError};
pub use self::map::{Fields, IntoIter, Iter};
pub(crate) use self::serialize::Exposed;
pub use self::serialize::serialize_exposed;
pub use self::value::{Value, ValueKind};
