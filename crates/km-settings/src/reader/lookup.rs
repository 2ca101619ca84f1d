//! The order of precedence: the environment, then the file, then the default.

use super::Reader;
use super::raw_setting::{ListItems, Origin, RawSetting};
use crate::problem::SettingSource;
use crate::source::yaml::Value;
use crate::source::yaml::keys::SETTINGS_PATH;
use crate::table::{Setting, access};

impl Reader<'_> {
    /// Looks up a setting. A blank variable, or a reference to one, counts as not set.
    pub(crate) fn find(&mut self, setting: &Setting) -> Option<RawSetting> {
        let found = self.find_variable(setting).filter(|found| !found.is_blank()).or_else(|| {
            self.find_in_file(setting)
                .filter(|found| !(found.origin == Origin::Reference && found.is_blank()))
        });
        self.record.lookup(setting, found.as_ref());
        found
    }

    /// Looks up a setting for which an empty value has a meaning of its own.
    pub(crate) fn find_or_empty(&mut self, setting: &Setting) -> Option<RawSetting> {
        let found = self.find_variable(setting).or_else(|| self.find_in_file(setting));
        self.record.lookup(setting, found.as_ref());
        found
    }

    /// Looks up a setting. If it is not set, returns its default, if it has one.
    pub(crate) fn find_or_default(&mut self, setting: &Setting) -> Option<RawSetting> {
        self.find(setting).or_else(|| RawSetting::default_of(setting))
    }

    fn find_variable(&mut self, setting: &Setting) -> Option<RawSetting> {
        let text = self.variable(setting.name)?;
        let source = SettingSource::Variable(setting.name.to_owned());
        Some(RawSetting { source, value: Value::Text(text), origin: Origin::Environment })
    }

    /// Looks up a setting in the file. It is a problem if several of its keys are present.
    fn find_in_file(&mut self, setting: &Setting) -> Option<RawSetting> {
        let occurrences = self.document.occurrences(setting);
        let (path, node) = occurrences.first()?.clone();
        let source = self.document.source(&path, node.line);
        if let Some((other, _)) = occurrences.get(1) {
            let message = format!("also set as {other}");
            self.diagnostics.problem(source, message, "keep one of the two");
            return None;
        }
        // The items of `hosted_keys` are names, with or without the prefix. Their values must not
        // be read.
        let is_hosted_keys = setting.name == access::HOSTED_KEYS.name;
        let items = if is_hosted_keys { ListItems::Keep } else { ListItems::Resolve };
        self.resolve(source, node.value, items)
    }

    /// Removes a key of LiteLLM from the file and resolves its value. A key that is not removed is
    /// reported as unused.
    pub(crate) fn take_litellm_key(&mut self, key: &str) -> Option<RawSetting> {
        let entries = &mut self.document.settings;
        let position = entries.iter().position(|entry| entry.name() == Some(key))?;
        let node = entries.remove(position).node;
        let source = self.document.source(&format!("{SETTINGS_PATH}.{key}"), node.line);
        self.resolve(source, node.value, ListItems::Keep)
    }
}
