//! Environment variables.

use super::Reader;
use crate::problem::SettingSource;

/// The size limit of a variable. Linux does not pass a larger one to a program.
const MAX_BYTES: usize = 128 * 1024;

impl Reader<'_> {
    /// Returns the text of a variable, which may be empty. A value that is too large or not UTF-8
    /// is a problem and counts as not set.
    pub(super) fn variable(&mut self, name: &str) -> Option<String> {
        let value = self.env.var(name)?;
        let (message, hint) = if value.len() > MAX_BYTES {
            ("the value is larger than 128 KiB", "set a shorter value")
        } else {
            match value.into_string() {
                Ok(text) => return Some(text),
                Err(_) => ("the value is not UTF-8", "set it to UTF-8 text"),
            }
        };
        self.diagnostics.problem(SettingSource::Variable(name.to_owned()), message, hint);
        None
    }

    /// Returns whether a variable is set and not empty.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.env.var(name).is_some_and(|value| !value.is_empty())
    }

    /// Returns whether a variable is set, even if it is empty.
    pub(super) fn is_defined(&self, name: &str) -> bool {
        self.env.var(name).is_some()
    }
}
