//! LiteLLM's `config.yaml`: the two keys that are ours, and every `os.environ/` reference.

mod document;
mod limits;
mod node;
mod part;
mod references;
mod shape;

pub(crate) use document::{Document, MANAGEMENT, OWN, SYSTEM, read};
pub(crate) use node::{Entry, Node, Value};
pub(crate) use references::PREFIX;
