//! A team's settings from their JSON.

use std::collections::HashSet;

use serde_json::value::RawValue;

use super::object::{Pairs, kind};
use super::{Said, TeamSettings};
use crate::diagnostics::Notes;
use crate::problem::{Problems, SettingSource};
use crate::text::{has_control, nearest, sanitise, shown};
use crate::validator::Validator;

const KEYS: [&str; 4] = ["namespace", "mount", "path_prefix", "data"];
const NESTED: &str = "secret_manager_settings";
const HINT: &str =
    "the keys are `namespace`, `mount`, `path_prefix` and `data`, each a text or null";

impl TeamSettings {
    /// Reads the JSON of a team's `secret_manager_settings`, or of the team's whole metadata, in
    /// which they are a key. `null` says nothing.
    ///
    /// Where there is a nested `secret_manager_settings`, it alone counts, and what stands beside
    /// it is not looked at.
    ///
    /// # Errors
    ///
    /// Everything that is wrong: no JSON object, an unknown key, a key given twice, a value that
    /// is no text, a path that the rules refuse.
    pub fn from_json(text: &str, rules: &dyn Validator) -> Result<Self, Problems> {
        let mut reading = Reading { rules, notes: Notes::default(), prefix: String::new() };
        let pairs = reading.object("", text);
        let team = reading.top(pairs);
        reading.notes.finish()?;
        Ok(team)
    }
}

struct Reading<'a> {
    rules: &'a dyn Validator,
    notes: Notes,
    /// The keys above the ones that are read, with a `.` at the end.
    prefix: String,
}

impl Reading<'_> {
    /// An object's pairs; `null` has none.
    fn object(&mut self, key: &str, text: &str) -> Vec<(String, Box<RawValue>)> {
        match serde_json::from_str::<Option<Pairs>>(text) {
            Ok(pairs) => pairs.map_or_else(Vec::new, |pairs| pairs.0),
            Err(error) if error.is_data() => {
                self.problem(key, "must be a JSON object");
                Vec::new()
            }
            // Only the position: the parser's own words may quote what stands there.
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                self.problem(key, format!("no valid JSON at line {line}, column {column}"));
                Vec::new()
            }
        }
    }

    fn top(&mut self, mut pairs: Vec<(String, Box<RawValue>)>) -> TeamSettings {
        let is_nested =
            |(key, value): &(String, Box<RawValue>)| key == NESTED && kind(value) != "null";
        let Some(index) = pairs.iter().position(is_nested) else {
            pairs.retain(|(key, _)| key != NESTED);
            return self.pairs(&pairs);
        };
        if pairs.iter().filter(|(key, _)| key == NESTED).count() > 1 {
            self.problem(NESTED, "is given twice");
        }
        let (_, nested) = pairs.swap_remove(index);
        let pairs = self.object(NESTED, nested.get());
        self.prefix = format!("{NESTED}.");
        self.pairs(&pairs)
    }

    fn pairs(&mut self, pairs: &[(String, Box<RawValue>)]) -> TeamSettings {
        let mut team = TeamSettings::default();
        let mut seen = HashSet::with_capacity(pairs.len());
        for (key, value) in pairs {
            if !seen.insert(key) {
                self.problem("", format!("{} is given twice", shown(key)));
            }
            match key.as_str() {
                "namespace" => team.namespace = self.path(key, value),
                "mount" => team.mount = self.path(key, value),
                "path_prefix" => team.path_prefix = self.path(key, value),
                "data" => team.data = self.field(key, value),
                _ => self.unknown(key),
            }
        }
        team
    }

    fn unknown(&mut self, key: &str) {
        let near = nearest(key, KEYS.into_iter());
        let near = near.map_or_else(String::new, |near| format!(", but `{near}` is"));
        self.problem("", format!("{} is no key of team settings{near}", shown(key)));
    }

    fn path(&mut self, key: &str, value: &RawValue) -> Said {
        let Some(text) = self.text(key, value) else {
            return Said::Nothing;
        };
        let Some(path) = sanitise(&text) else {
            return Said::Empty;
        };
        if let Err(why) = self.rules.path(&path) {
            self.problem(key, format!("{} can't be part of a path: {why}", shown(&path)));
        }
        Said::Text(path)
    }

    /// The field is no path: a `/` stays in it.
    fn field(&mut self, key: &str, value: &RawValue) -> Said {
        let Some(text) = self.text(key, value) else {
            return Said::Nothing;
        };
        let field = text.trim();
        if has_control(field) {
            self.problem(key, format!("{} has a control character", shown(field)));
        }
        if field.is_empty() { Said::Empty } else { Said::Text(field.to_owned()) }
    }

    fn text(&mut self, key: &str, value: &RawValue) -> Option<String> {
        serde_json::from_str(value.get()).unwrap_or_else(|_| {
            self.problem(key, format!("must be text, not {}", kind(value)));
            None
        })
    }

    fn problem(&mut self, key: &str, what: impl AsRef<str>) {
        let path = format!("{}{key}", self.prefix).trim_end_matches('.').to_owned();
        self.notes.problem(SettingSource::Team { path }, what, HINT);
    }
}
