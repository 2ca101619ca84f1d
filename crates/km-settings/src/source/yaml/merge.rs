//! The files of a configuration as one, merged as by LiteLLM: lists are appended, and any other
//! value at the top level is replaced by that of the included file.

use super::document::origin;
use super::include::{File, INCLUDE};
use super::mapping::{GENERAL, Pairs, SETTINGS_KEY, SYSTEM_KEY};
use super::node::{Entry, Node, Value};
use crate::diagnostics::Notes;

/// The configuration.
pub(super) struct Merged {
    /// The pairs at the top level.
    pub(super) entries: Vec<Entry>,
    /// `general_settings`, if a file has it.
    pub(super) general: Option<Node>,
    /// The name of the file that it is taken from; the root file's without it.
    pub(super) file: String,
}

/// Merges the files in their order. The first one is the root file.
pub(super) fn merge(files: Vec<File>, notes: &mut Notes) -> Merged {
    let mut pairs = Pairs::default();
    let mut general = None;
    let mut root: Option<String> = None;
    for File { name, entries } in files {
        for entry in entries {
            warn(&name, &entry, notes);
            match entry.name() {
                Some(INCLUDE) => continue,
                Some(GENERAL) => {
                    if let Some(root) = &root {
                        warn_of_included(root, &name, general.as_ref(), &entry, notes);
                    }
                    general = Some((entry.node.clone(), name.clone()));
                }
                _ => {}
            }
            merge_entry(&mut pairs, entry);
        }
        root.get_or_insert(name);
    }
    let root = root.unwrap_or_default();
    let (general, file) = general.map_or((None, root), |(node, file)| (Some(node), file));
    Merged { entries: pairs.entries, general, file }
}

fn merge_entry(pairs: &mut Pairs, mut entry: Entry) {
    let there = pairs.get_mut(&entry.key).map(|entry| &mut entry.node.value);
    match (there, &mut entry.node.value) {
        (Some(Value::List(items)), Value::List(more)) => items.append(more),
        _ => drop(pairs.insert(entry)),
    }
}

/// Warns of a key at the top level that has no effect on the key management.
fn warn(file: &str, entry: &Entry, notes: &mut Notes) {
    match (entry.name(), &entry.node.value) {
        (Some(key @ (SYSTEM_KEY | SETTINGS_KEY)), _) => {
            let what = "stands at the top level, where nothing reads it";
            let hint = "indent it under `general_settings:`";
            notes.warning(origin(file, key, entry.line), what, hint);
        }
        (Some(key @ "environment_variables"), Value::Map(variables)) => {
            for variable in variables {
                warn_of_variable(file, key, variable, notes);
            }
        }
        _ => {}
    }
}

/// LiteLLM sets these variables after its secret manager has started, and other programs never do.
fn warn_of_variable(file: &str, path: &str, variable: &Entry, notes: &mut Notes) {
    let is_ours = |name: &&str| {
        ["HCP_VAULT_", "KM_"].iter().any(|prefix| name.starts_with(prefix))
            && crate::reader::is_variable(name)
    };
    if let Some(name) = variable.name().filter(is_ours) {
        let what = format!("{name} has no effect here: it is read before this section is");
        let hint = "set it in the environment of the process";
        notes.warning(origin(file, path, variable.line), what, hint);
    }
}

/// Warns of `general_settings` in an included file: it replaces the former as a whole.
fn warn_of_included(
    root: &str,
    file: &str,
    before: Option<&(Node, String)>,
    entry: &Entry,
    notes: &mut Notes,
) {
    let keys = |node: &Node, key: &str| match &node.value {
        Value::Map(entries) => entries.iter().find(|entry| entry.name() == Some(key)).cloned(),
        _ => None,
    };
    let settings = keys(&entry.node, SETTINGS_KEY);
    if let Some(own) = settings.and_then(|settings| keys(&settings.node, "km")) {
        let hint = format!("set them in {root}");
        notes.warning(origin(file, super::OWN, own.line), "is set by an included file", hint);
    }
    if let Some((node, replaced)) = before
        && [SYSTEM_KEY, SETTINGS_KEY].iter().any(|key| keys(node, key).is_some())
    {
        let what = format!("replaces that of {replaced}, with its key management settings");
        notes.warning(origin(file, GENERAL, entry.line), what, "keep it in one file");
    }
}
