//! The file as a whole: where our keys stand in it, and what is wrong around them.

use super::limits;
use super::node::{Entry, Node, Value};
use super::part::Part;
use super::shape::{GENERAL, General, Top};
use crate::notes::Notes;
use crate::problem::Origin;
use crate::sources::Yaml;

/// Where the secret manager is named.
pub(crate) const SYSTEM: &str = "general_settings.key_management_system";
/// Where LiteLLM's own settings for it stand.
pub(crate) const MANAGEMENT: &str = "general_settings.key_management_settings";
/// Where our own settings stand.
pub(crate) const OWN: &str = "general_settings.key_management_settings.km";

/// What is ours in the file.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// The file's name.
    pub(crate) file: String,
    /// `key_management_system`.
    pub(crate) system: Option<Node>,
    /// The pairs of `key_management_settings`, without `km`.
    pub(crate) management: Vec<Entry>,
    /// The pairs of `km`.
    pub(crate) own: Vec<Entry>,
    /// Names of all references in the file, in file order.
    pub(crate) references: Vec<String>,
}

impl Document {
    /// Where something stands in this file.
    pub(crate) fn origin(&self, path: &str, line: u64) -> Origin {
        Origin::Yaml { file: self.file.clone(), path: path.to_owned(), line }
    }
}

/// Reads what is ours. What is wrong goes to `notes`, and what could be read comes back.
pub(crate) fn read(yaml: Yaml<'_>, notes: &mut Notes) -> Document {
    let mut document = Document { file: crate::text::one_line(yaml.file), ..Document::default() };
    if yaml.text.len() > limits::BYTES {
        notes.problem(document.origin("", 1), "the file is larger than 1 MiB", "make it smaller");
        return document;
    }
    match serde_saphyr::from_str_with_options(yaml.text, limits::options()) {
        Ok(Part::Absent) => {}
        Ok(Part::Mapping(top)) => document.take(top, notes),
        Ok(Part::<Top>::Other) => {
            let hint = "put `general_settings:` at the top level";
            notes.problem(document.origin("", 1), "the file is no mapping", hint);
        }
        Err(error) => {
            let (line, column) =
                error.location().map_or((1, 1), |place| (place.line(), place.column()));
            let (what, hint) = limits::explain(&error);
            let what = format!("{what} (column {column})");
            notes.problem(document.origin("", line), what, hint);
        }
    }
    document
}

impl Document {
    fn take(&mut self, top: Top, notes: &mut Notes) {
        for (key, line) in top.strays {
            let what = "stands at the top level, where nothing reads it";
            notes.warning(self.origin(key, line), what, "indent it under `general_settings:`");
        }
        self.references = in_order_once(top.references);
        match top.general {
            Part::Absent => {}
            Part::Mapping(general) => self.take_general(general, notes),
            Part::Other => {
                let hint = "write its keys below it, indented";
                notes.problem(self.origin(GENERAL, top.general_line), "must be a mapping", hint);
            }
        }
    }

    fn take_general(&mut self, general: General, notes: &mut Notes) {
        self.system = general.system;
        for entry in
            general.settings.map_or_else(Vec::new, |node| self.map(MANAGEMENT, node, notes))
        {
            if entry.key.as_deref() == Some("km") {
                self.own = self.map(OWN, entry.node, notes);
            } else {
                self.management.push(entry);
            }
        }
    }

    fn map(&self, path: &str, node: Node, notes: &mut Notes) -> Vec<Entry> {
        let what = format!("must be a mapping, not {}", node.value.kind());
        match node.value {
            Value::Map(entries) => return entries,
            Value::Null => {}
            _ => {
                let hint = "write its keys below it, indented";
                notes.problem(self.origin(path, node.line), what, hint);
            }
        }
        Vec::new()
    }
}

fn in_order_once(names: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    names.into_iter().filter(|name| seen.insert(name.clone())).collect()
}
