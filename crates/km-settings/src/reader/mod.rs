//! The lookup of a setting: the environment first, then the file, then the default of the table.
//!
//! **Invariant:** an invalid value is recorded in [`Reader::diagnostics`], and the placeholder that
//! is returned in its place never reaches a caller of the crate.
//!
//! The meaning of each setting is left to [`section`](crate::section).

mod lookup;
mod raw_setting;
mod record;
mod reference;
#[cfg(test)]
mod tests;
mod typed;
mod variable;

pub(crate) use raw_setting::{ListItems, Origin, RawSetting, split_list};

use self::record::Record;
use crate::diagnostics::Diagnostics;
use crate::source::Sources;
use crate::source::env::Env;
use crate::source::yaml::{self, Document};
use crate::validator::Validator;

/// The sources, with the file already parsed.
pub(crate) struct Reader<'a> {
    env: &'a dyn Env,
    pub(crate) validator: &'a dyn Validator,
    pub(crate) document: Document,
    pub(crate) diagnostics: Diagnostics,
    /// The effective value of each setting that was looked up.
    pub(crate) record: Record,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(sources: &Sources<'a>) -> Self {
        let mut diagnostics = Diagnostics::default();
        let document = sources.yaml.map(|file| yaml::read(&file, &mut diagnostics));
        Self {
            env: sources.env,
            validator: sources.validator,
            document: document.unwrap_or_default(),
            diagnostics,
            record: Record::default(),
        }
    }
}
