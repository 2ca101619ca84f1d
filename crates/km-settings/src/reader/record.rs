//! The record of what each lookup found, from which the effective settings are made.
//!
//! **Invariant:** a value that may be a secret is not recorded: neither a credential, nor text that
//! the file takes from a variable.

use std::collections::BTreeMap;

use super::raw_setting::{Origin, RawSetting};
use crate::effective::{EffectiveSetting, EffectiveSource, EffectiveValue};
use crate::problem::SettingSource;
use crate::source::yaml::{Node, Value};
use crate::table::{SETTINGS, Sensitivity, Setting, ValueType};

/// The effective values of the settings that were looked up, by their names.
#[derive(Debug, Default)]
pub(crate) struct Record(BTreeMap<&'static str, (EffectiveValue, EffectiveSource)>);

impl Record {
    /// Records the outcome of a lookup.
    pub(super) fn lookup(&mut self, setting: &Setting, found: Option<&RawSetting>) {
        match found {
            Some(found) => {
                let source = EffectiveSource::Set(found.source.clone());
                self.0.insert(setting.name, (value(setting, found), source));
            }
            None => self.table_default(setting),
        }
    }

    /// Records the outcome of a lookup of a secret, which can only be a variable.
    pub(super) fn secret(&mut self, setting: &Setting, is_set: bool) {
        if is_set {
            let source = SettingSource::Variable(setting.name.to_owned());
            let masked = (EffectiveValue::Masked, EffectiveSource::Set(source));
            self.0.insert(setting.name, masked);
        } else {
            self.table_default(setting);
        }
    }

    /// Records that a setting has the default of the table.
    pub(super) fn table_default(&mut self, setting: &Setting) {
        let text = setting.default.text().map(str::to_owned);
        let value = text.map_or(EffectiveValue::Unset, EffectiveValue::Text);
        self.0.insert(setting.name, (value, EffectiveSource::Default));
    }

    /// Records the default of a setting whose default depends on other settings.
    pub(crate) fn derived(&mut self, setting: &Setting, text: &str) {
        let value = EffectiveValue::Text(text.to_owned());
        self.0.insert(setting.name, (value, EffectiveSource::Default));
    }

    /// Records that a setting takes its value from another one.
    pub(crate) fn inherit(&mut self, setting: &Setting, from: &Setting) {
        if let Some(inherited) = self.0.get(from.name).cloned() {
            self.0.insert(setting.name, inherited);
        }
    }

    /// Returns the effective settings, in the order of the table.
    pub(crate) fn finish(mut self) -> Vec<EffectiveSetting> {
        let effective = |setting: &'static Setting| {
            let recorded = self.0.remove(setting.name);
            let unused = (EffectiveValue::Unset, EffectiveSource::Unused);
            let (value, source) = recorded.unwrap_or(unused);
            EffectiveSetting { setting, value, source }
        };
        SETTINGS.iter().map(effective).collect()
    }
}

fn value(setting: &Setting, found: &RawSetting) -> EffectiveValue {
    let is_secret = setting.sensitivity == Sensitivity::Secret;
    if is_secret || (found.origin == Origin::Reference && !is_enumerable(setting.value_type)) {
        return EffectiveValue::Masked;
    }
    text(&found.value).map_or(EffectiveValue::Unset, EffectiveValue::Text)
}

/// Returns whether a valid value of this type cannot be a secret.
fn is_enumerable(value_type: ValueType) -> bool {
    matches!(value_type, ValueType::Boolean | ValueType::Duration | ValueType::Choice(_))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Text(text) | Value::Number(text) => Some(text.clone()),
        Value::List(items) => {
            let items = items.iter().filter_map(|Node { value, .. }| text(value));
            Some(items.collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Map(_) => None,
    }
}
