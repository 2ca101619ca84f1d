//! Values of the kinds that several settings share: a credential, a file's name, a part of a path.

use std::path::PathBuf;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::Reader;
use crate::problem::SettingSource;
use crate::reader::raw_setting::{Found, Route};
use crate::text::{has_control, sanitise};
use crate::values::credential::Credential;

impl Reader<'_> {
    /// A credential: `value` is a variable, `file` a setting of ours that names a file.
    pub(crate) fn credential(&mut self, value: &str, file: &str) -> Option<Credential> {
        let text = self.secret(value);
        let path = self.file(file);
        match (text, path) {
            (Some(_), Some(_)) => {
                let source = SettingSource::Variable(value.to_owned());
                let what = format!("is set, and {file} too: which one counts is not clear");
                self.notes.problem(source, what, "unset one of the two");
                None
            }
            (text, path) => text.map(Credential::Value).or(path.map(Credential::File)),
        }
    }

    /// A variable that is a secret. White space around it, a line ending of a file for instance,
    /// belongs to no credential.
    fn secret(&mut self, name: &str) -> Option<SecretString> {
        let text = Zeroizing::new(self.raw(name)?);
        let trimmed = text.trim();
        if has_control(trimmed) {
            let source = SettingSource::Variable(name.to_owned());
            let hint = "set it to the credential alone";
            self.notes.problem(source, "holds a control character", hint);
            return None;
        }
        (!trimmed.is_empty()).then(|| SecretString::from(trimmed))
    }

    /// A setting of ours that names a file.
    pub(crate) fn file(&mut self, name: &str) -> Option<PathBuf> {
        let found = self.own(name)?;
        let text = found.text(&mut self.notes)?;
        (!text.is_empty()).then(|| PathBuf::from(text))
    }

    /// What was found, cleaned, as a part of a path. A refusal of the rules is a problem.
    pub(crate) fn path(&mut self, found: Option<Found>) -> Option<String> {
        let found = found?;
        let path = sanitise(found.text(&mut self.notes)?)?;
        let Err(why) = self.rules.path(&path) else {
            return Some(path);
        };
        // The rules may quote what they refuse, which behind a reference may be a secret.
        let what = match found.route {
            Route::Reference => "the value behind the reference can't be part of a path".to_owned(),
            Route::Environment | Route::File => {
                format!("{} can't be part of a path: {why}", found.shown(&path))
            }
        };
        self.notes.problem(found.source, what, "use segments of plain text with `/` between");
        None
    }
}
