//! The environment as a port: that of the process, or a map in a test.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::hash::BuildHasher;

/// A set of environment variables.
///
/// A value may be a secret. An implementation must neither log nor retain it.
pub trait Env: Send + Sync {
    /// Returns the value of a variable, which may be empty; `None` if the variable is not set.
    fn var(&self, name: &str) -> Option<OsString>;
}

/// The environment of this process, read anew on each call.
///
/// This is the only code in the workspace that reads environment variables.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnv;

impl ProcessEnv {
    /// Returns the names of all variables. Values are not read.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn names(self) -> Vec<OsString> {
        std::env::vars_os().map(|(name, _)| name).collect()
    }
}

impl Env for ProcessEnv {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    fn var(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }
}

impl<V> Env for BTreeMap<String, V>
where
    V: Clone + Into<OsString> + Send + Sync,
{
    fn var(&self, name: &str) -> Option<OsString> {
        self.get(name).cloned().map(Into::into)
    }
}

impl<V, S> Env for HashMap<String, V, S>
where
    V: Clone + Into<OsString> + Send + Sync,
    S: BuildHasher + Send + Sync,
{
    fn var(&self, name: &str) -> Option<OsString> {
        self.get(name).cloned().map(Into::into)
    }
}
