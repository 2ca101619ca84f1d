//! A value that was found for a setting, and the types it can be read as.

use std::time::Duration;

use crate::diagnostics::Notes;
use crate::duration;
use crate::problem::SettingSource;
use crate::source::yaml::{Node, Value};
use crate::text::{shown, truth};

/// A value, where it stands and how it came there.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) source: SettingSource,
    pub(crate) value: Value,
    pub(crate) route: Route,
}

/// How a value came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// As a variable. All that it can hold is text.
    Environment,
    /// As it stands in the file.
    File,
    /// Through an `os.environ/` reference: any variable may be behind it, a secret too.
    Reference,
}

impl Found {
    /// Whether it is text that says nothing.
    pub(crate) fn is_blank(&self) -> bool {
        matches!(&self.value, Value::Text(text) if text.trim().is_empty())
    }

    /// Whether it is a reference to a variable that says nothing, which counts as not set.
    pub(crate) fn is_unset(&self) -> bool {
        self.route == Route::Reference && self.is_blank()
    }

    /// `text` in a message: left out where it may be a secret.
    pub(crate) fn shown(&self, text: &str) -> String {
        match self.route {
            Route::Reference => "the value behind the reference".to_owned(),
            // A quote that is never closed makes the lines below it part of the value.
            Route::File if text.contains(char::is_whitespace) => "the value".to_owned(),
            Route::Environment | Route::File => shown(text),
        }
    }

    /// The value as text.
    pub(crate) fn text(&self, notes: &mut Notes) -> Option<&str> {
        if let Value::Text(text) = &self.value {
            return Some(text);
        }
        self.mistyped("text", "put the value in quotes", notes);
        None
    }

    /// The value as a boolean, by LiteLLM's words.
    pub(crate) fn boolean(&self, notes: &mut Notes) -> Option<bool> {
        let truth = match &self.value {
            Value::Bool(value) => Some(*value),
            Value::Text(text) | Value::Number(text) => truth(text),
            _ => None,
        };
        if truth.is_none() {
            self.refused("`true` or `false`", "write `true` or `false`", notes);
        }
        truth
    }

    /// The value as a duration.
    pub(crate) fn duration(&self, notes: &mut Notes) -> Option<Duration> {
        let hint = "write `500ms`, `5s`, `15m`, `1h`, `1d`, `1w` or bare seconds";
        let (Value::Text(text) | Value::Number(text)) = &self.value else {
            self.mistyped("a duration", hint, notes);
            return None;
        };
        match duration::parse(text) {
            Ok(duration) => Some(duration),
            Err(what) => {
                notes.problem(self.source.clone(), format!("{} {what}", self.shown(text)), hint);
                None
            }
        }
    }

    /// The value as one of a few words.
    pub(crate) fn word<T: Copy>(&self, words: &[(&str, T)], notes: &mut Notes) -> Option<T> {
        if let Value::Text(text) = &self.value
            && let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text.trim())
        {
            return Some(*meaning);
        }
        let allowed: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let hint = format!("use one of {}", allowed.join(", "));
        self.refused("one of the words it may be", &hint, notes);
        None
    }

    /// The value as a list of texts: a YAML list, or a variable with commas between the items.
    pub(crate) fn list(&self, notes: &mut Notes) -> Option<Vec<String>> {
        match &self.value {
            Value::Text(text) if self.route == Route::Environment => Some(split(text)),
            Value::List(items) => self.items(items, notes),
            _ => {
                self.mistyped("a list of texts", "write `[NAME, OTHER]`", notes);
                None
            }
        }
    }

    fn items(&self, items: &[Node], notes: &mut Notes) -> Option<Vec<String>> {
        let before = notes.count();
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            if let Value::Text(text) = &item.value {
                texts.push(text.clone());
                continue;
            }
            let what = format!("each item must be text, not {}", item.value.kind());
            notes.problem(self.source.clone().at(item.line), what, "put the item in quotes");
        }
        (notes.count() == before).then_some(texts)
    }

    /// A problem about the value: it is not what it must be.
    fn refused(&self, expected: &str, hint: &str, notes: &mut Notes) {
        match &self.value {
            Value::Text(text) => {
                let what = format!("{} is not {expected}", self.shown(text));
                notes.problem(self.source.clone(), what, hint);
            }
            _ => self.mistyped(expected, hint, notes),
        }
    }

    fn mistyped(&self, expected: &str, hint: &str, notes: &mut Notes) {
        let what = format!("must be {expected}, not {}", self.value.kind());
        notes.problem(self.source.clone(), what, hint);
    }
}

/// The items between commas, without the white space around them. Nothing gives no item.
pub(crate) fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
