//! The names behind `os.environ/NAME`, wherever such a value is in the file.

use super::node::{Entry, Node, Value};

/// The beginning of a string value that refers to an environment variable or a secret.
pub(crate) const PREFIX: &str = "os.environ/";

/// The names in these pairs, in file order, each once.
pub(super) fn references(entries: &[Entry]) -> Vec<String> {
    let mut names = Vec::new();
    for entry in entries {
        collect(&entry.node, &mut names);
    }
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(*name));
    names.into_iter().map(str::to_owned).collect()
}

/// A prefix without a name refers to nothing, and neither does a key.
fn collect<'a>(node: &'a Node, names: &mut Vec<&'a str>) {
    match &node.value {
        Value::Text(text) => {
            names.extend(text.strip_prefix(PREFIX).filter(|name| !name.is_empty()));
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Map(entries) => entries.iter().for_each(|entry| collect(&entry.node, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
