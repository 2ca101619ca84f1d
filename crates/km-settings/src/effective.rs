//! The effective settings: the value of each row of the table, and where it comes from.
//!
//! **Invariant:** no value here is a secret. The reader masks what may be one.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::problem::SettingSource;
use crate::table::{Sensitivity, Setting};

/// The effective value of a setting, and its source.
///
/// It serializes as `{"name", "value", "source"}`, all of them text. The value is null if there is
/// none or if it is masked. A masked value, and a secret that is not set, have `set` too, which
/// distinguishes them.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EffectiveSetting {
    /// The row of the table.
    pub setting: &'static Setting,
    /// The value.
    pub value: EffectiveValue,
    /// Where the value comes from.
    pub source: EffectiveSource,
}

/// The effective value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectiveValue {
    /// No value.
    Unset,
    /// A value that may be shown, as it is written. The items of a list have commas between them.
    Text(String),
    /// A credential, or text that the file takes from a variable, which may contain a secret.
    Masked,
}

/// The source of an effective value.
///
/// `Display` gives `environment: NAME`, `FILE:LINE: KEY`, `default` or `not used`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EffectiveSource {
    /// A variable or a key of the file. The variable may be that of another setting, from which
    /// this one takes its default.
    Set(SettingSource),
    /// The default, which may depend on other settings.
    Default,
    /// None: the setting is not used, because another one takes precedence.
    Unused,
}

impl EffectiveSetting {
    /// Returns the value, unless it is unset or masked.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            EffectiveValue::Text(text) => Some(text),
            EffectiveValue::Unset | EffectiveValue::Masked => None,
        }
    }

    /// Returns whether a value is set, for a setting whose value is not shown.
    fn is_masked_value_set(&self) -> Option<bool> {
        let is_masked = self.value == EffectiveValue::Masked;
        (is_masked || self.setting.sensitivity == Sensitivity::Secret).then_some(is_masked)
    }
}

impl fmt::Debug for EffectiveSetting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, value, source } = self;
        write!(formatter, "{}: {value:?} ({source})", setting.name)
    }
}

impl fmt::Display for EffectiveSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(SettingSource::Variable(name)) => write!(formatter, "environment: {name}"),
            Self::Set(source) => source.fmt(formatter),
            Self::Default => formatter.write_str("default"),
            Self::Unused => formatter.write_str("not used"),
        }
    }
}

impl Serialize for EffectiveSetting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            name: &'a str,
            value: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            set: Option<bool>,
            source: String,
        }
        let row = Row {
            name: self.setting.name,
            value: self.text(),
            set: self.is_masked_value_set(),
            source: self.source.to_string(),
        };
        row.serialize(serializer)
    }
}
