//! Why the value of an option is invalid.

use std::error::Error;
use std::fmt;

/// The reason why the value of an option is invalid. It is a constant because it is printed, and the
/// value may be a secret that was passed by mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvalidValue(pub(crate) &'static str);

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for InvalidValue {}
