//! LiteLLM's `config.yaml`: the settings in it, and every `os.environ/` reference.
//!
//! A file is parsed into a tree ([`node`]). Merge keys and duplicate keys are resolved as in PyYAML
//! ([`mapping`]), and included files are merged as in LiteLLM ([`include`], [`merge`]). See
//! `docs/adr/0016-reading-yaml.md`. Interpreting the settings is left to
//! [`Reader`](crate::reader::Reader).

mod document;
mod include;
pub(crate) mod keys;
mod limits;
mod mapping;
mod merge;
mod node;
mod pairs;
mod parse;
mod references;
mod warnings;

pub(crate) use document::{Document, read};
pub(crate) use node::{Entry, Node, Value};
