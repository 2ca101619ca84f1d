//! The lookup of a setting as a value of its type.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::Reader;
use super::raw_setting::{Origin, RawSetting};
use crate::problem::SettingSource;
use crate::table::Setting;
use crate::text::{has_control, sanitize};
use crate::values::credential::Credential;

impl Reader<'_> {
    /// Returns a setting as `parse` reads it, or else its default, if it has one.
    ///
    /// `parse` reports an invalid value and returns `None`. The default then takes its place, so
    /// that it causes no other problem.
    pub(crate) fn parse_or_default<T>(
        &mut self,
        setting: &Setting,
        parse: impl Fn(&mut Self, RawSetting) -> Option<T>,
    ) -> Option<T> {
        let found = self.find(setting);
        let value = found.and_then(|found| parse(self, found));
        value.or_else(|| {
            self.record.table_default(setting);
            parse(self, RawSetting::default_of(setting)?)
        })
    }

    /// Returns a boolean or its default.
    pub(crate) fn boolean(&mut self, setting: &Setting) -> bool {
        let value =
            self.parse_or_default(setting, |reader, found| found.boolean(&mut reader.diagnostics));
        value.unwrap_or_default()
    }

    /// Returns a duration or its default.
    pub(crate) fn duration(&mut self, setting: &Setting) -> Duration {
        let value =
            self.parse_or_default(setting, |reader, found| found.duration(&mut reader.diagnostics));
        value.unwrap_or_default()
    }

    /// Returns the name of a file or its default, if it has one.
    pub(crate) fn file(&mut self, setting: &Setting) -> Option<PathBuf> {
        self.parse_or_default(setting, |reader, found| {
            let text = found.text(&mut reader.diagnostics)?;
            (!text.is_empty()).then(|| PathBuf::from(text))
        })
    }

    /// Returns a normalized path or its default, if it has one. A path of which nothing remains
    /// counts as not set.
    pub(crate) fn path(&mut self, setting: &Setting) -> Option<String> {
        self.parse_or_default(setting, |reader, found| reader.parse_path(Some(found)))
    }

    /// Normalizes and validates a value as a path. Returns `None` if nothing remains.
    pub(crate) fn parse_path(&mut self, found: Option<RawSetting>) -> Option<String> {
        let found = found?;
        let path = sanitize(found.text(&mut self.diagnostics)?)?;
        let Err(reason) = self.validator.path(&path) else {
            return Some(path);
        };
        // The reason may quote the value, and a referenced value may be a secret.
        let message = match found.origin {
            Origin::Reference => "the referenced value is not a valid path".to_owned(),
            Origin::Environment | Origin::File => {
                format!("{} is not a valid path: {reason}", found.quoted(&path))
            }
        };
        let hint = "use segments of plain text with `/` between them";
        self.diagnostics.problem(found.source, message, hint);
        None
    }

    /// Returns a credential: the variable `value`, or the file that the setting `file` names. It is
    /// a problem if both are set.
    pub(crate) fn credential(&mut self, value: &Setting, file: &Setting) -> Option<Credential> {
        let secret = self.secret(value);
        self.record.secret(value, secret.is_some());
        match (secret, self.file(file)) {
            (Some(_), Some(_)) => {
                let source = SettingSource::Variable(value.name.to_owned());
                let message = format!("{} is set too", file.name);
                self.diagnostics.problem(source, message, "unset one of the two");
                None
            }
            (text, path) => text.map(Credential::Value).or(path.map(Credential::File)),
        }
    }

    /// Returns a secret from a variable, without the white space around it, such as the line ending
    /// of a file.
    fn secret(&mut self, setting: &Setting) -> Option<SecretString> {
        let text = Zeroizing::new(self.variable(setting.name)?);
        let trimmed = text.trim();
        if has_control(trimmed) {
            let source = SettingSource::Variable(setting.name.to_owned());
            let message = "the value contains a control character";
            self.diagnostics.problem(source, message, "set it to the credential alone");
            return None;
        }
        (!trimmed.is_empty()).then(|| SecretString::from(trimmed))
    }
}
