//! LiteLLM's `config.yaml`: the settings in it, and every `os.environ/` reference.
//!
//! A file becomes a tree ([`node`]), merge keys and repeated keys are resolved in it as PyYAML
//! resolves them ([`mapping`]), and the files that it includes are merged into it as LiteLLM merges
//! them ([`include`], [`merge`]). What the settings mean is left to the reader.

mod document;
mod include;
mod limits;
mod mapping;
mod merge;
mod node;
mod references;

pub(crate) use document::{Document, MANAGEMENT, OWN, SYSTEM, read};
pub(crate) use node::{Entry, Node, Value};
pub(crate) use references::PREFIX;
