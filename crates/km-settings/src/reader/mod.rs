//! How one setting is looked up: the environment first, then the file, each refusal noted.

mod lookup;
pub(crate) mod raw_setting;
mod typed;

pub(crate) use lookup::is_variable;

use crate::diagnostics::Notes;
use crate::problem::SettingSource;
use crate::reader::raw_setting::{Found, Route};
use crate::source::Sources;
use crate::source::env::Env;
use crate::source::yaml::{self, Document, Value};
use crate::validator::Validator;

/// The size of a variable that can be a setting, in bytes. Linux passes no larger one to a program.
const LONGEST_VALUE: usize = 128 * 1024;

/// The sources, with the file already read.
pub(crate) struct Reader<'a> {
    env: &'a dyn Env,
    pub(crate) rules: &'a dyn Validator,
    pub(crate) document: Document,
    pub(crate) notes: Notes,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(sources: &Sources<'a>) -> Self {
        let mut notes = Notes::default();
        let document = sources.yaml.map(|file| yaml::read(&file, &mut notes)).unwrap_or_default();
        Self { env: sources.env, rules: sources.validator, document, notes }
    }

    /// A variable's text, empty or not. One that no setting can have is a problem, and counts as
    /// not set.
    fn raw(&mut self, name: &str) -> Option<String> {
        let value = self.env.var(name)?;
        let (what, hint) = if value.len() > LONGEST_VALUE {
            ("the value is larger than 128 KiB", "set it to something smaller")
        } else {
            match value.into_string() {
                Ok(text) => return Some(text),
                Err(_) => ("the value is not UTF-8", "set it to text in UTF-8"),
            }
        };
        self.notes.problem(SettingSource::Variable(name.to_owned()), what, hint);
        None
    }

    /// Whether a variable is set to something. Its value is not looked at.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.env.var(name).is_some_and(|value| !value.is_empty())
    }

    /// A variable that is set, to nothing perhaps.
    pub(crate) fn variable_or_empty(&mut self, name: &str) -> Option<Found> {
        let text = self.raw(name)?;
        let source = SettingSource::Variable(name.to_owned());
        Some(Found { source, value: Value::Text(text), route: Route::Environment })
    }

    /// A variable that says something. An empty or blank one counts as not set.
    pub(crate) fn variable(&mut self, name: &str) -> Option<Found> {
        self.variable_or_empty(name).filter(|found| !found.is_blank())
    }

    /// A setting of our own: the variable `name`, or its key under `km:`.
    pub(crate) fn own(&mut self, name: &str) -> Option<Found> {
        let in_file = |reader: &mut Self| reader.in_file(name).filter(|found| !found.is_unset());
        self.variable(name).or_else(|| in_file(self))
    }

    /// Like [`own`](Self::own), for a setting in which empty has a meaning of its own.
    pub(crate) fn own_or_empty(&mut self, name: &str) -> Option<Found> {
        self.variable_or_empty(name).or_else(|| self.in_file(name))
    }
}
