//! Merging of included files, as in LiteLLM: lists are appended, and any other value at the top
//! level is replaced by that of the included file.

use super::include::File;
use super::keys::{GENERAL, INCLUDE};
use super::node::{Entry, Node, Value};
use super::pairs::Pairs;

/// The merged configuration.
pub(super) struct Merged {
    /// The entries at the top level.
    pub(super) entries: Vec<Entry>,
    /// The value of `general_settings`.
    pub(super) general: Option<Node>,
    /// The name of the file that contains `general_settings`; otherwise that of the root file.
    pub(super) file: String,
}

/// Merges files in their order. The first one is the root file.
pub(super) fn merge(files: Vec<File>) -> Merged {
    let mut pairs = Pairs::default();
    let mut general = None;
    let root = files.first().map_or_else(String::new, |file| file.name.clone());
    for File { name, entries } in files {
        for entry in entries {
            match entry.name() {
                Some(INCLUDE) => continue,
                Some(GENERAL) => general = Some((entry.node.clone(), name.clone())),
                _ => {}
            }
            merge_entry(&mut pairs, entry);
        }
    }
    let (general, file) = general.map_or((None, root), |(node, file)| (Some(node), file));
    Merged { entries: pairs.entries, general, file }
}

fn merge_entry(pairs: &mut Pairs, mut entry: Entry) {
    let existing = pairs.get_mut(&entry.key).map(|entry| &mut entry.node.value);
    match (existing, &mut entry.node.value) {
        (Some(Value::List(items)), Value::List(more)) => items.append(more),
        _ => drop(pairs.insert(entry)),
    }
}
