//! The settings in a configuration.

use super::keys::{GENERAL, KM, KM_PATH, SETTINGS, SETTINGS_PATH, SYSTEM, source};
use super::merge::{self, Merged};
use super::node::{Entry, Node, Value};
use super::references::references;
use super::{include, warnings};
use crate::diagnostics::Diagnostics;
use crate::problem::SettingSource;
use crate::source::file::Yaml;
use crate::table::Setting;

/// The settings in a configuration.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// The name of the file that contains `general_settings`.
    pub(crate) file: String,
    /// The value of `key_management_system`.
    pub(crate) system: Option<Node>,
    /// The entries of `key_management_settings`, without `km`.
    pub(crate) settings: Vec<Entry>,
    /// The entries of `km`.
    pub(crate) km: Vec<Entry>,
    /// The names of all references in the configuration, in file order, without duplicates.
    pub(crate) references: Vec<String>,
}

/// Parses a configuration. Problems go to `diagnostics`; whatever could be parsed is returned.
pub(crate) fn read(yaml: &Yaml<'_>, diagnostics: &mut Diagnostics) -> Document {
    let files = include::read(yaml, diagnostics);
    warnings::check(&files, diagnostics);
    let Merged { entries, general, file } = merge::merge(files);
    let references = references(&entries);
    let mut document = Document { file, references, ..Document::default() };
    if let Some(general) = general {
        document.take_general(general, diagnostics);
    }
    document
}

impl Document {
    /// Returns the source for a key in the file that contains `general_settings`.
    pub(crate) fn source(&self, path: &str, line: u64) -> SettingSource {
        source(&self.file, path, line)
    }

    /// Returns each path under which `setting` has a value, and the value.
    pub(crate) fn occurrences(&self, setting: &Setting) -> Vec<(String, Node)> {
        let Some(path) = setting.yaml else {
            return Vec::new();
        };
        let is_km_key = path.starts_with("km.");
        let short = path.strip_prefix("km.").unwrap_or(path);
        let long = format!("km_{short}");
        [
            (KM_PATH, &self.km, short),
            (KM_PATH, &self.km, &long),
            (SETTINGS_PATH, &self.settings, short),
        ]
        .into_iter()
        .filter(|(path, ..)| *path == KM_PATH || !is_km_key)
        .filter_map(|(path, entries, key)| Some((format!("{path}.{key}"), value(entries, key)?)))
        .collect()
    }

    fn take_general(&mut self, general: Node, diagnostics: &mut Diagnostics) {
        for entry in self.mapping(GENERAL, general, diagnostics) {
            match entry.name() {
                Some(SYSTEM) => self.system = Some(entry.node),
                Some(SETTINGS) => self.take_settings(entry.node, diagnostics),
                _ => {}
            }
        }
    }

    fn take_settings(&mut self, settings: Node, diagnostics: &mut Diagnostics) {
        for entry in self.mapping(SETTINGS_PATH, settings, diagnostics) {
            if entry.name() == Some(KM) {
                self.km = self.mapping(KM_PATH, entry.node, diagnostics);
            } else {
                self.settings.push(entry);
            }
        }
    }

    fn mapping(&self, path: &str, node: Node, diagnostics: &mut Diagnostics) -> Vec<Entry> {
        let message = format!("must be a mapping, not {}", node.value.kind());
        match node.value {
            Value::Map(entries) => return entries,
            Value::Null => {}
            _ => {
                let hint = "indent its keys below it";
                diagnostics.problem(self.source(path, node.line), message, hint);
            }
        }
        Vec::new()
    }
}

/// Returns the value of a key, unless it is null.
fn value(entries: &[Entry], key: &str) -> Option<Node> {
    let entry = entries.iter().find(|entry| entry.name() == Some(key))?;
    (entry.node.value != Value::Null).then(|| entry.node.clone())
}
