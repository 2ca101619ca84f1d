//! JSON that contains secrets: validated, parsed and serialized without copies that are not
//! zeroized.
//!
//! `serde_json` unescapes a string in a growing buffer that it does not zeroize, and it does not
//! check the names of members that it skips. Therefore every document is validated first, and
//! without decoding its strings. Deserialize fields that hold a secret with [`secret_string`];
//! `serde_json` parses all other strings.

mod secret;
mod serialize;
mod unescape;
mod validate;

#[cfg(test)]
mod tests;

pub use self::secret::{optional_secret_string, secret_from_raw, secret_string};
pub use self::serialize::to_vec;
pub(crate) use self::validate::{JsonShape, validate};
pub use serde_json::Error;
pub use serde_json::value::RawValue;
