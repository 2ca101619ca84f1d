//! The names of all `os.environ/NAME` references in a configuration.

use std::collections::HashSet;

use super::keys::REFERENCE_PREFIX;
use super::node::{Entry, Node, Value};

/// Returns the names that the values refer to, in file order, without duplicates.
pub(super) fn references(entries: &[Entry]) -> Vec<String> {
    let mut names = Vec::new();
    for entry in entries {
        collect(&entry.node, &mut names);
    }
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(*name));
    names.into_iter().map(str::to_owned).collect()
}

/// Collects the names in a value. Keys, and a prefix without a name, are not references.
fn collect<'a>(node: &'a Node, names: &mut Vec<&'a str>) {
    match &node.value {
        Value::Text(text) => {
            names.extend(text.strip_prefix(REFERENCE_PREFIX).filter(|name| !name.is_empty()));
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Map(entries) => entries.iter().for_each(|entry| collect(&entry.node, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
