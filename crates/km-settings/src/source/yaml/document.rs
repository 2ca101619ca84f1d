//! The configuration as a whole: the settings in it, and what is wrong around them.

use super::include;
use super::mapping::{SETTINGS_KEY, SYSTEM_KEY};
use super::merge::{self, Merged};
use super::node::{Entry, Node, Value};
use super::references::references;
use crate::diagnostics::Notes;
use crate::problem::SettingSource;
use crate::source::Yaml;

/// The path of the secret manager's name.
pub(crate) const SYSTEM: &str = "general_settings.key_management_system";
/// The path of LiteLLM's settings for it.
pub(crate) const MANAGEMENT: &str = "general_settings.key_management_settings";
/// The path of our own settings.
pub(crate) const OWN: &str = "general_settings.key_management_settings.km";

/// The settings in a configuration.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// The name of the file that holds `general_settings`.
    pub(crate) file: String,
    /// `key_management_system`.
    pub(crate) system: Option<Node>,
    /// The pairs of `key_management_settings`, without `km`.
    pub(crate) management: Vec<Entry>,
    /// The pairs of `km`.
    pub(crate) own: Vec<Entry>,
    /// The names of all references in the configuration, in file order.
    pub(crate) references: Vec<String>,
}

/// Reads the settings. Problems go to `notes`, and whatever could be read is returned.
pub(crate) fn read(yaml: &Yaml<'_>, notes: &mut Notes) -> Document {
    let Merged { entries, general, file } = merge::merge(include::read(yaml, notes), notes);
    let references = references(&entries);
    let mut document = Document { file, references, ..Document::default() };
    if let Some(general) = general {
        document.take_general(general, notes);
    }
    document
}

impl Document {
    /// A place in the file that holds `general_settings`.
    pub(crate) fn origin(&self, path: &str, line: u64) -> SettingSource {
        origin(&self.file, path, line)
    }

    fn take_general(&mut self, general: Node, notes: &mut Notes) {
        for entry in self.map(super::mapping::GENERAL, general, notes) {
            match entry.name() {
                Some(SYSTEM_KEY) => self.system = Some(entry.node),
                Some(SETTINGS_KEY) => self.take_settings(entry.node, notes),
                _ => {}
            }
        }
    }

    fn take_settings(&mut self, settings: Node, notes: &mut Notes) {
        for entry in self.map(MANAGEMENT, settings, notes) {
            if entry.name() == Some("km") {
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

/// A place in a file of the configuration.
pub(super) fn origin(file: &str, path: &str, line: u64) -> SettingSource {
    SettingSource::Yaml { file: file.to_owned(), path: path.to_owned(), line }
}
