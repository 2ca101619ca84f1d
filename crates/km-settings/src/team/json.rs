//! Team settings as JSON.

use std::collections::HashSet;

use serde_json::value::RawValue;

use super::object::{Object, kind};
use super::team_settings::{Override, TeamSettings};
use crate::diagnostics::Diagnostics;
use crate::problem::{Problems, SettingSource};
use crate::text::{has_control, nearest, quoted, sanitize};
use crate::validator::Validator;

const KEYS: [&str; 4] = ["namespace", "mount", "path_prefix", "data"];
const NESTED: &str = "secret_manager_settings";
const HINT: &str = "use the keys `namespace`, `mount`, `path_prefix` and `data`, each text or null";

impl TeamSettings {
    /// Parses the JSON of a team's `secret_manager_settings`, or of the team's metadata that
    /// contain them. `null` inherits everything.
    ///
    /// If there is a nested `secret_manager_settings`, the keys beside it are ignored.
    ///
    /// # Errors
    ///
    /// Returns all problems: text that is not a JSON object, unknown or duplicate keys, values that
    /// are not text, and invalid paths. The author of the settings must fix them.
    pub fn from_json(text: &str, validator: &dyn Validator) -> Result<Self, Problems> {
        let diagnostics = Diagnostics::default();
        let mut parser = Parser { validator, diagnostics, prefix: String::new() };
        let pairs = parser.object("", text);
        let team = parser.top(pairs);
        parser.diagnostics.finish()?;
        Ok(team)
    }
}

type Pair = (String, Box<RawValue>);

struct Parser<'a> {
    validator: &'a dyn Validator,
    diagnostics: Diagnostics,
    /// The path of the object that is parsed, with a trailing `.` unless it is empty.
    prefix: String,
}

impl Parser<'_> {
    /// Parses an object. `null` is an empty one.
    fn object(&mut self, key: &str, text: &str) -> Vec<Pair> {
        match serde_json::from_str::<Option<Object>>(text) {
            Ok(object) => object.map_or_else(Vec::new, |object| object.0),
            Err(error) if error.is_data() => {
                self.problem(key, "must be a JSON object");
                Vec::new()
            }
            // The message of the error is omitted, because it may quote the text.
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                self.problem(key, format!("invalid JSON at line {line}, column {column}"));
                Vec::new()
            }
        }
    }

    fn top(&mut self, mut pairs: Vec<Pair>) -> TeamSettings {
        let is_nested = |(key, value): &Pair| key == NESTED && kind(value) != "null";
        let Some(index) = pairs.iter().position(is_nested) else {
            pairs.retain(|(key, _)| key != NESTED);
            return self.settings(&pairs);
        };
        if pairs.iter().filter(|(key, _)| key == NESTED).count() > 1 {
            self.problem(NESTED, "duplicate key");
        }
        let (_, nested) = pairs.swap_remove(index);
        let pairs = self.object(NESTED, nested.get());
        self.prefix = format!("{NESTED}.");
        self.settings(&pairs)
    }

    fn settings(&mut self, pairs: &[Pair]) -> TeamSettings {
        let mut team = TeamSettings::default();
        let mut seen = HashSet::with_capacity(pairs.len());
        for (key, value) in pairs {
            if !seen.insert(key) {
                self.problem("", format!("duplicate key {}", quoted(key)));
            }
            match key.as_str() {
                "namespace" => team.namespace = self.path(key, value),
                "mount" => team.mount = self.path(key, value),
                "path_prefix" => team.path_prefix = self.path(key, value),
                "data" => team.data = self.field(key, value),
                _ => self.reject_key(key),
            }
        }
        team
    }

    fn reject_key(&mut self, key: &str) {
        let similar = nearest(key, KEYS.into_iter());
        let similar =
            similar.map_or_else(String::new, |known| format!(", did you mean `{known}`?"));
        self.problem("", format!("unknown key {}{similar}", quoted(key)));
    }

    fn path(&mut self, key: &str, value: &RawValue) -> Override {
        let Some(text) = self.text(key, value) else {
            return Override::Inherit;
        };
        let Some(path) = sanitize(&text) else {
            return Override::Reset;
        };
        if let Err(reason) = self.validator.path(&path) {
            self.problem(key, format!("{} is not a valid path: {reason}", quoted(&path)));
        }
        Override::Set(path)
    }

    /// Parses the name of a field. It is not a path, so a `/` is kept.
    fn field(&mut self, key: &str, value: &RawValue) -> Override {
        let Some(text) = self.text(key, value) else {
            return Override::Inherit;
        };
        let field = text.trim();
        if has_control(field) {
            self.problem(key, format!("{} contains a control character", quoted(field)));
        }
        if field.is_empty() { Override::Reset } else { Override::Set(field.to_owned()) }
    }

    fn text(&mut self, key: &str, value: &RawValue) -> Option<String> {
        serde_json::from_str(value.get()).unwrap_or_else(|_| {
            self.problem(key, format!("must be text, not {}", kind(value)));
            None
        })
    }

    fn problem(&mut self, key: &str, message: impl AsRef<str>) {
        let path = format!("{}{key}", self.prefix).trim_end_matches('.').to_owned();
        self.diagnostics.problem(SettingSource::Team { path }, message, HINT);
    }
}
