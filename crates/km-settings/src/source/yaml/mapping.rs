//! Merge keys and duplicate keys, resolved like PyYAML's `SafeLoader`.
//!
//! `<<` inserts the entries of other mappings before those of its own mapping, and the last of
//! several equal keys wins. See `flatten_mapping` and `construct_mapping` in PyYAML's
//! `constructor.py`.

use super::keys::{GENERAL, SETTINGS, SYSTEM};
use super::node::{Entry, Node, Value};
use super::pairs::Pairs;

/// Irregularities that were found while mappings were resolved.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The lines of duplicate keys outside of our section.
    pub(super) duplicates: Vec<u64>,
    /// The lines of duplicate keys in our section.
    pub(super) duplicate_settings: Vec<u64>,
    /// The lines of merge keys whose value is neither a mapping nor a list of mappings.
    pub(super) invalid_merges: Vec<u64>,
}

/// The part of the file that a value belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The top level.
    Top,
    /// `general_settings`.
    General,
    /// `key_management_settings` and everything below it.
    Settings,
    /// Everything else.
    Elsewhere,
}

impl Part {
    fn child(self, key: Option<&str>) -> Self {
        match (self, key) {
            (Self::Top, Some(GENERAL)) => Self::General,
            (Self::Settings, _) | (Self::General, Some(SETTINGS)) => Self::Settings,
            _ => Self::Elsewhere,
        }
    }
}

/// Resolves all mappings in `node`.
pub(super) fn resolve(node: &mut Node, part: Part, findings: &mut Findings) {
    match &mut node.value {
        Value::List(items) => {
            let part = part.child(None);
            for item in items {
                resolve(item, part, findings);
            }
        }
        Value::Map(entries) => *entries = mapping(std::mem::take(entries), part, findings),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
    }
}

/// Returns the entries of a mapping with distinct keys.
fn mapping(entries: Vec<Entry>, part: Part, findings: &mut Findings) -> Vec<Entry> {
    let (merges, written): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.merges);
    let mut pairs = Pairs::default();
    for entry in merges {
        for entry in merged(entry, part, findings) {
            pairs.insert(entry);
        }
    }
    for entry in without_duplicates(written, part, findings) {
        pairs.insert(entry);
    }
    pairs.entries
}

/// Keeps the last of the entries with equal keys.
fn without_duplicates(entries: Vec<Entry>, part: Part, findings: &mut Findings) -> Vec<Entry> {
    let mut pairs = Pairs::default();
    for mut entry in entries {
        let child = part.child(entry.name());
        resolve(&mut entry.node, child, findings);
        let line = entry.line;
        if let Some(dropped) = pairs.insert(entry) {
            if contains_settings(part, &dropped) {
                findings.duplicate_settings.push(line);
            } else {
                findings.duplicates.push(line);
            }
        }
    }
    pairs.entries
}

/// Returns the entries that a merge key inserts, lowest precedence first. The first of several
/// mappings has the highest precedence.
fn merged(entry: Entry, part: Part, findings: &mut Findings) -> Vec<Entry> {
    match entry.node.value {
        Value::Map(entries) => mapping(entries, part, findings),
        Value::List(items) => {
            let mut pairs = Vec::new();
            for item in items.into_iter().rev() {
                match item.value {
                    Value::Map(entries) => pairs.extend(mapping(entries, part, findings)),
                    _ => findings.invalid_merges.push(item.line),
                }
            }
            pairs
        }
        _ => {
            findings.invalid_merges.push(entry.line);
            Vec::new()
        }
    }
}

/// Returns whether an entry that a duplicate key replaces is or contains one of our settings.
fn contains_settings(part: Part, dropped: &Entry) -> bool {
    let is_our_key = |name: Option<&str>| matches!(name, Some(SYSTEM | SETTINGS));
    match (part, &dropped.node.value) {
        (Part::Settings, _) => true,
        (Part::General, _) => is_our_key(dropped.name()),
        (Part::Top, Value::Map(entries)) if dropped.name() == Some(GENERAL) => {
            entries.iter().any(|entry| is_our_key(entry.name()))
        }
        _ => false,
    }
}
