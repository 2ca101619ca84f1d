//! A row of the table.

use super::section::Section;
use super::value_type::ValueType;

/// A setting: its names, type, default and description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// The key below `general_settings.key_management_settings`; `None` if the setting can only
    /// come from the environment.
    pub yaml: Option<&'static str>,
    /// The type of the value.
    pub value_type: ValueType,
    /// The value that applies if the setting is not set.
    pub default: DefaultValue,
    /// What the setting does: one line of Markdown.
    pub description: &'static str,
    /// The heading in the reference.
    pub section: Section,
    /// Whether the value may be logged or passed to a child process.
    pub sensitivity: Sensitivity,
}

/// The value that applies if a setting is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultValue {
    /// This text. Setting it explicitly changes nothing.
    Text(&'static str),
    /// This text, unless the exception applies.
    Conditional {
        /// The default.
        text: &'static str,
        /// Another default and its condition, in words.
        exception: &'static str,
    },
    /// A value taken from another setting or from the system, in words.
    Derived(&'static str),
    /// No value.
    Unset,
}

/// How sensitive the value of a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensitivity {
    /// The value may be shown and passed on.
    Plain,
    /// The value locates or identifies a credential. A child process does not need it.
    Credential,
    /// The value is a secret.
    Secret,
}

impl DefaultValue {
    /// Returns the default in words, as Markdown; `None` if there is none.
    pub fn describe(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(format!("`{text}`")),
            Self::Conditional { text, exception } => Some(format!("`{text}`; {exception}")),
            Self::Derived(words) => Some(words.to_owned()),
            Self::Unset => None,
        }
    }

    /// Returns the text that is parsed if the setting is not set.
    pub(crate) fn text(self) -> Option<&'static str> {
        match self {
            Self::Text(text) | Self::Conditional { text, .. } => Some(text),
            Self::Derived(_) | Self::Unset => None,
        }
    }
}

/// Constructors for the rows.
impl Setting {
    pub(super) const fn new(
        section: Section,
        name: &'static str,
        value_type: ValueType,
        description: &'static str,
    ) -> Self {
        let (default, sensitivity) = (DefaultValue::Unset, Sensitivity::Plain);
        Self { name, yaml: None, value_type, default, description, section, sensitivity }
    }

    pub(super) const fn yaml(self, path: &'static str) -> Self {
        Self { yaml: Some(path), ..self }
    }

    pub(super) const fn default(self, text: &'static str) -> Self {
        Self { default: DefaultValue::Text(text), ..self }
    }

    pub(super) const fn default_unless(self, text: &'static str, exception: &'static str) -> Self {
        Self { default: DefaultValue::Conditional { text, exception }, ..self }
    }

    pub(super) const fn derived(self, words: &'static str) -> Self {
        Self { default: DefaultValue::Derived(words), ..self }
    }

    pub(super) const fn credential(self) -> Self {
        Self { sensitivity: Sensitivity::Credential, ..self }
    }

    pub(super) const fn secret(self) -> Self {
        Self { sensitivity: Sensitivity::Secret, ..self }
    }
}
