//! The environment as a port: the process's own, or a map in a test.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::hash::BuildHasher;

/// Where environment variables come from.
///
/// A value may be a secret. An implementation neither logs nor keeps it.
pub trait Env: Send + Sync {
    /// The variable's value, `None` when it is not set. An empty value is a value.
    fn var(&self, name: &str) -> Option<OsString>;
}

/// The environment of this process, read anew at each call.
///
/// The only place in the workspace that asks the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnv;

impl ProcessEnv {
    /// The names of all variables. No value is read.
    #[expect(clippy::disallowed_methods, reason = "this is the one source that others go through")]
    pub fn names(self) -> Vec<OsString> {
        std::env::vars_os().map(|(name, _)| name).collect()
    }
}

impl Env for ProcessEnv {
    #[expect(clippy::disallowed_methods, reason = "this is the one source that others go through")]
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
