//! What settings are made from. Nothing here opens a file: the caller brings the text.

use std::fmt;

use crate::env::Env;
use crate::rules::Rules;

/// Everything that settings are read from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The environment; [`ProcessEnv`](crate::ProcessEnv) outside of tests.
    pub env: &'a dyn Env,
    /// LiteLLM's `config.yaml`, where there is one.
    pub yaml: Option<Yaml<'a>>,
    /// What Vault accepts.
    pub rules: &'a dyn Rules,
}

/// A YAML file that somebody else has read.
#[derive(Clone, Copy)]
pub struct Yaml<'a> {
    /// The file's name, for messages.
    pub file: &'a str,
    /// What is in it. It may hold secrets; no message quotes it.
    pub text: &'a str,
}

impl fmt::Debug for Sources<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sources").field("yaml", &self.yaml).finish_non_exhaustive()
    }
}

impl fmt::Debug for Yaml<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Yaml").field("file", &self.file).finish_non_exhaustive()
    }
}
