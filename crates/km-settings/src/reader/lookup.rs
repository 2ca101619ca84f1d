//! A setting's key in the file, and the variable behind it where it is a reference.

use super::Reader;
use crate::problem::SettingSource;
use crate::reader::raw_setting::{Found, Route};
use crate::source::yaml::{Document, Entry, MANAGEMENT, Node, OWN, PREFIX, Value};

impl Reader<'_> {
    /// The key of `name` in the file. It may stand in one place only.
    pub(super) fn in_file(&mut self, name: &str) -> Option<Found> {
        let places = self.document.places(name);
        let (path, node) = places.first()?.clone();
        let source = self.document.origin(&path, node.line);
        if let Some((other, _)) = places.get(1) {
            self.notes.problem(source, format!("is given again as {other}"), "keep one of the two");
            return None;
        }
        // A hosted key is a name, with or without the prefix; its value must never be fetched.
        let items_too = name != "KM_HOSTED_KEYS";
        self.resolve(source, node.value, items_too)
    }

    /// A key of LiteLLM's that is read in one case only; elsewhere it is reported as not used.
    pub(crate) fn take_from_management(&mut self, key: &str) -> Option<Found> {
        let entries = &mut self.document.management;
        let place = entries.iter().position(|entry| entry.name() == Some(key))?;
        let entry = entries.remove(place);
        let source = self.document.origin(&format!("{MANAGEMENT}.{key}"), entry.node.line);
        self.resolve(source, entry.node.value, false)
    }

    /// The value behind `os.environ/NAME`, or the value as it stands.
    pub(crate) fn resolve(
        &mut self,
        source: SettingSource,
        value: Value,
        items_too: bool,
    ) -> Option<Found> {
        match value {
            Value::Null => None,
            Value::Text(text) => match text.strip_prefix(PREFIX) {
                None => Some(Found { source, value: Value::Text(text), route: Route::File }),
                Some(name) => {
                    let value = Value::Text(self.behind(&source, name)?);
                    Some(Found { source, value, route: Route::Reference })
                }
            },
            Value::List(items) if items_too => self.resolve_items(source, items),
            value => Some(Found { source, value, route: Route::File }),
        }
    }

    fn resolve_items(&mut self, source: SettingSource, items: Vec<Node>) -> Option<Found> {
        let (mut route, mut resolved) = (Route::File, Vec::with_capacity(items.len()));
        for Node { line, value } in items {
            let value = match value {
                Value::Text(text) if text.starts_with(PREFIX) => {
                    let item = self.resolve(source.clone().at(line), Value::Text(text), false)?;
                    route = item.route;
                    item.value
                }
                value => value,
            };
            resolved.push(Node { line, value });
        }
        Some(Found { source, value: Value::List(resolved), route })
    }

    fn behind(&mut self, source: &SettingSource, name: &str) -> Option<String> {
        if self.env.var(name).is_none() {
            let name = if is_variable(name) { name } else { "of that name" };
            let what = format!("refers to the variable {name}, which is not set");
            self.notes.problem(source.clone(), what, "set the variable, or write the value here");
        }
        self.raw(name)
    }
}

/// Whether a message may quote it as a variable's name.
pub(crate) fn is_variable(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Document {
    /// Where the key of the setting `name` stands with a value, and the value.
    fn places(&self, name: &str) -> Vec<(String, Node)> {
        let Some(short) = name.strip_prefix("KM_").map(str::to_ascii_lowercase) else {
            return Vec::new();
        };
        let long = format!("km_{short}");
        let keys = [
            (OWN, &self.own, &short),
            (OWN, &self.own, &long),
            (MANAGEMENT, &self.management, &short),
        ];
        keys.into_iter()
            .filter(|(path, ..)| *path == OWN || crate::table::stands_in_management(name))
            .filter_map(|(path, entries, key)| {
                Some((format!("{path}.{key}"), value(entries, key)?))
            })
            .collect()
    }
}

fn value(entries: &[Entry], key: &str) -> Option<Node> {
    let entry = entries.iter().find(|entry| entry.name() == Some(key))?;
    (entry.node.value != Value::Null).then(|| entry.node.clone())
}
