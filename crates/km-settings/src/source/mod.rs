//! The sources of settings.
//!
//! **Invariant:** nothing here opens a file. The caller passes the text of the configuration, and
//! an [`Includes`] that reads the files it includes.

pub(crate) mod env;
pub(crate) mod file;
pub(crate) mod yaml;

use std::fmt;

pub use env::{Env, ProcessEnv};
pub use file::{IncludeError, Includes, Yaml};

use crate::validator::Validator;

/// Everything that settings are read from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The environment; [`ProcessEnv`] outside of tests.
    pub env: &'a dyn Env,
    /// LiteLLM's `config.yaml`; `None` to use the environment alone.
    pub yaml: Option<Yaml<'a>>,
    /// What Vault accepts as addresses and paths.
    pub validator: &'a dyn Validator,
}

impl fmt::Debug for Sources<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sources").field("yaml", &self.yaml).finish_non_exhaustive()
    }
}
