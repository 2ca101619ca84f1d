//! Merge keys and repeated keys, as PyYAML's `SafeLoader` resolves them.
//!
//! `<<` puts the pairs of other mappings before those of its own mapping, and of equal keys the last
//! one counts. See `flatten_mapping` and `construct_mapping` in PyYAML's `constructor.py`.

use std::collections::HashMap;

use super::node::{Entry, Node, Value};

/// The key under which the proxy keeps what concerns it as a whole.
pub(super) const GENERAL: &str = "general_settings";
/// The keys below [`GENERAL`] that are ours.
pub(super) const SYSTEM_KEY: &str = "key_management_system";
pub(super) const SETTINGS_KEY: &str = "key_management_settings";

/// What was found while mappings were resolved.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The lines of repeated keys outside our section.
    pub(super) repeated: Vec<u64>,
    /// The lines of repeated keys in our section.
    pub(super) repeated_ours: Vec<u64>,
    /// The lines of merge keys whose value is neither a mapping nor a list of mappings.
    pub(super) bad_merges: Vec<u64>,
}

/// The part of the file that a value belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Top,
    General,
    /// `key_management_settings`, and all below it.
    Ours,
    Elsewhere,
}

impl Part {
    fn below(self, key: Option<&str>) -> Self {
        match (self, key) {
            (Self::Top, Some(GENERAL)) => Self::General,
            (Self::Ours, _) | (Self::General, Some(SETTINGS_KEY)) => Self::Ours,
            _ => Self::Elsewhere,
        }
    }
}

/// Resolves all mappings in `node`.
pub(super) fn resolve(node: &mut Node, part: Part, findings: &mut Findings) {
    match &mut node.value {
        Value::List(items) => {
            let part = part.below(None);
            for item in items {
                resolve(item, part, findings);
            }
        }
        Value::Map(entries) => *entries = mapping(std::mem::take(entries), part, findings),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
    }
}

/// The pairs of a mapping, each key once.
fn mapping(entries: Vec<Entry>, part: Part, findings: &mut Findings) -> Vec<Entry> {
    let (merges, written): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.merges);
    let mut pairs = Pairs::default();
    for entry in merges {
        for entry in merged(entry, part, findings) {
            pairs.insert(entry);
        }
    }
    let mut repeated = Pairs::default();
    for mut entry in written {
        let below = part.below(entry.name());
        resolve(&mut entry.node, below, findings);
        let line = entry.line;
        if let Some(dropped) = repeated.insert(entry) {
            if is_ours(part, &dropped) {
                findings.repeated_ours.push(line);
            } else {
                findings.repeated.push(line);
            }
        }
    }
    for entry in repeated.entries {
        pairs.insert(entry);
    }
    pairs.entries
}

/// The pairs that a merge key stands for. Of several mappings the first one has precedence.
fn merged(entry: Entry, part: Part, findings: &mut Findings) -> Vec<Entry> {
    match entry.node.value {
        Value::Map(entries) => mapping(entries, part, findings),
        Value::List(items) => {
            let mut pairs = Vec::new();
            for item in items.into_iter().rev() {
                match item.value {
                    Value::Map(entries) => pairs.extend(mapping(entries, part, findings)),
                    _ => findings.bad_merges.push(item.line),
                }
            }
            pairs
        }
        _ => {
            findings.bad_merges.push(entry.line);
            Vec::new()
        }
    }
}

/// Whether a pair that is not read because its key is repeated is one of our settings, or holds them.
fn is_ours(part: Part, dropped: &Entry) -> bool {
    let is_our_key = |name: Option<&str>| matches!(name, Some(SYSTEM_KEY | SETTINGS_KEY));
    match (part, &dropped.node.value) {
        (Part::Ours, _) => true,
        (Part::General, _) => is_our_key(dropped.name()),
        (Part::Top, Value::Map(entries)) if dropped.name() == Some(GENERAL) => {
            entries.iter().any(|entry| is_our_key(entry.name()))
        }
        _ => false,
    }
}

/// Pairs in the order in which their keys came first, like a Python dictionary.
#[derive(Default)]
pub(super) struct Pairs {
    pub(super) entries: Vec<Entry>,
    places: HashMap<Value, usize>,
}

impl Pairs {
    pub(super) fn get_mut(&mut self, key: &Value) -> Option<&mut Entry> {
        self.entries.get_mut(*self.places.get(key)?)
    }

    /// Adds a pair, and returns the one with the same key that it replaces.
    pub(super) fn insert(&mut self, entry: Entry) -> Option<Entry> {
        let place = *self.places.entry(entry.key.clone()).or_insert(self.entries.len());
        if let Some(there) = self.entries.get_mut(place) {
            return Some(std::mem::replace(there, entry));
        }
        self.entries.push(entry);
        None
    }
}
