//! The value of a setting before it is parsed, and its parsers.

use std::time::Duration;

use crate::diagnostics::Diagnostics;
use crate::duration;
use crate::problem::SettingSource;
use crate::source::yaml::{Node, Value};
use crate::table::Setting;
use crate::text::{parse_bool, quoted};

/// The value of a setting, its source and its origin.
#[derive(Debug)]
pub(crate) struct RawSetting {
    pub(crate) source: SettingSource,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// The origin of a value, which decides whether a message may quote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A variable, or a default of the table. The value is always text.
    Environment,
    /// The file.
    File,
    /// An `os.environ/` reference in the file. The variable may be a secret.
    Reference,
}

/// Whether references among the items of a list are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListItems {
    Resolve,
    Keep,
}

impl RawSetting {
    /// Returns the default of a setting, if it has one, as if its variable were set to it.
    pub(crate) fn default_of(setting: &Setting) -> Option<Self> {
        let value = Value::Text(setting.default.text()?.to_owned());
        let source = SettingSource::Variable(setting.name.to_owned());
        Some(Self { source, value, origin: Origin::Environment })
    }

    /// Returns whether the value is blank text.
    pub(crate) fn is_blank(&self) -> bool {
        matches!(&self.value, Value::Text(text) if text.trim().is_empty())
    }

    /// Quotes `text`, which is this value or a part of it, unless it may be a secret.
    pub(crate) fn quoted(&self, text: &str) -> String {
        match self.origin {
            Origin::Reference => "the referenced value".to_owned(),
            // An unterminated quote makes the following lines a part of the value.
            Origin::File if text.contains(char::is_whitespace) => "the value".to_owned(),
            Origin::Environment | Origin::File => quoted(text),
        }
    }

    /// Returns the value as text.
    pub(crate) fn text(&self, diagnostics: &mut Diagnostics) -> Option<&str> {
        if let Value::Text(text) = &self.value {
            return Some(text);
        }
        self.reject_type("text", "put the value in quotes", diagnostics);
        None
    }

    /// Parses the value as a boolean, which may be any of LiteLLM's words.
    pub(crate) fn boolean(&self, diagnostics: &mut Diagnostics) -> Option<bool> {
        let parsed = match &self.value {
            Value::Bool(value) => Some(*value),
            Value::Text(text) | Value::Number(text) => parse_bool(text),
            _ => None,
        };
        if parsed.is_none() {
            self.reject("`true` or `false`", "set it to `true` or `false`", diagnostics);
        }
        parsed
    }

    /// Parses the value as a duration.
    pub(crate) fn duration(&self, diagnostics: &mut Diagnostics) -> Option<Duration> {
        let hint = "use `500ms`, `5s`, `15m`, `1h`, `1d`, `1w`, or a number of seconds";
        let (Value::Text(text) | Value::Number(text)) = &self.value else {
            self.reject_type("a duration", hint, diagnostics);
            return None;
        };
        match duration::parse(text) {
            Ok(duration) => Some(duration),
            Err(what) => {
                let message = format!("{} {what}", self.quoted(text));
                diagnostics.problem(self.source.clone(), message, hint);
                None
            }
        }
    }

    /// Parses the value as one of the words that the table lists for `setting`.
    pub(crate) fn choice<T>(
        &self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Option<T>,
        diagnostics: &mut Diagnostics,
    ) -> Option<T> {
        let parsed = match &self.value {
            Value::Text(text) => parse(text.trim()),
            _ => None,
        };
        if parsed.is_none() {
            let hint = format!("use one of {}", setting.value_type);
            self.reject("a valid value", &hint, diagnostics);
        }
        parsed
    }

    /// Parses the value as a list: a YAML list, or a variable with commas between the items.
    pub(crate) fn list(&self, diagnostics: &mut Diagnostics) -> Option<Vec<String>> {
        match &self.value {
            Value::Text(text) if self.origin == Origin::Environment => Some(split_list(text)),
            Value::List(items) => self.items(items, diagnostics),
            _ => {
                self.reject_type("a list of texts", "write `[NAME, OTHER]`", diagnostics);
                None
            }
        }
    }

    fn items(&self, items: &[Node], diagnostics: &mut Diagnostics) -> Option<Vec<String>> {
        let before = diagnostics.problem_count();
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            if let Value::Text(text) = &item.value {
                texts.push(text.clone());
                continue;
            }
            let message = format!("each item must be text, not {}", item.value.kind());
            let source = self.source.clone().with_line(item.line);
            diagnostics.problem(source, message, "put the item in quotes");
        }
        (diagnostics.problem_count() == before).then_some(texts)
    }

    fn reject(&self, expected: &str, hint: &str, diagnostics: &mut Diagnostics) {
        match &self.value {
            Value::Text(text) => {
                let message = format!("{} is not {expected}", self.quoted(text));
                diagnostics.problem(self.source.clone(), message, hint);
            }
            _ => self.reject_type(expected, hint, diagnostics),
        }
    }

    fn reject_type(&self, expected: &str, hint: &str, diagnostics: &mut Diagnostics) {
        let message = format!("must be {expected}, not {}", self.value.kind());
        diagnostics.problem(self.source.clone(), message, hint);
    }
}

/// Splits a comma-separated list. White space around the items and empty items are dropped.
pub(crate) fn split_list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
