//! The errors of fields. They name the field, and never contain a value.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

/// The error of a field that has no string value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// The secret has no such field.
    #[error("no field `{field}`")]
    Missing {
        /// The field's name.
        field: String,
    },
    /// The field holds another JSON value, such as a number or a list.
    #[error("the field `{field}` is not a string")]
    NotText {
        /// The field's name.
        field: String,
    },
}

impl FieldError {
    pub(super) fn missing(field: &str) -> Self {
        Self::Missing { field: field.to_owned() }
    }

    pub(super) fn not_text(field: &str) -> Self {
        Self::NotText { field: field.to_owned() }
    }
}

/// The error of fields, or of a value, that do not fit a type.
///
/// It names the field and what the type expects, in the words of the type's visitor. It contains
/// neither the value nor the text of an error that the type's own deserialization returns, because
/// that text may quote the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    kind: ParseErrorKind,
    field: Option<String>,
    expected: Option<String>,
}

/// The kind of a [`ParseError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The secret has no such field, and the type requires it.
    Missing,
    /// The type denies fields that it does not know, and this is one.
    Unknown,
    /// A value does not fit the type, or the type rejects the fields as a whole.
    Invalid,
}

impl ParseError {
    pub(super) fn invalid(expected: Option<String>) -> Self {
        Self { kind: ParseErrorKind::Invalid, field: None, expected }
    }

    /// Drops the names in an error from within a value, because they are a part of the value.
    pub(super) fn in_value(self) -> Self {
        let expected = self.expected.filter(|_| self.kind == ParseErrorKind::Invalid);
        Self::invalid(expected)
    }

    /// Sets the field whose value is invalid.
    pub(super) fn in_field(self, field: &str) -> Self {
        Self { field: Some(field.to_owned()), ..self.in_value() }
    }

    /// Drops the name of an unknown field that `is_field` does not accept: a type may pass any text.
    pub(super) fn in_fields(self, is_field: impl Fn(&str) -> bool) -> Self {
        let is_name = self.kind != ParseErrorKind::Unknown || self.field().is_some_and(is_field);
        if is_name { self } else { self.in_value() }
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// Returns the name of the field, or `None` if the error is about a single value or about all
    /// fields.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Returns what the type expects, such as `u16` or `a string`, if it is known.
    pub fn expected(&self) -> Option<&str> {
        self.expected.as_deref()
    }
}

impl Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.field.as_deref()) {
            (ParseErrorKind::Missing, Some(field)) => return write!(f, "no field `{field}`"),
            (ParseErrorKind::Unknown, Some(field)) => {
                return write!(f, "unknown field `{}`", field.escape_debug());
            }
            (_, Some(field)) => write!(f, "field `{}`: ", field.escape_debug())?,
            (_, None) => {}
        }
        match &self.expected {
            Some(expected) => write!(f, "expected {expected}"),
            None => f.write_str("invalid value"),
        }
    }
}

impl std::error::Error for ParseError {}

/// Drops everything that may quote a value.
impl de::Error for ParseError {
    fn custom<T: Display>(_: T) -> Self {
        Self::invalid(None)
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid(Some(expected.to_string()))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid(Some(expected.to_string()))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::invalid(Some(expected.to_string()))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::invalid(Some(format!("one of {}", expected.join(", "))))
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        let kind = ParseErrorKind::Unknown;
        Self { kind, field: Some(field.to_owned()), expected: None }
    }

    fn missing_field(field: &'static str) -> Self {
        let kind = ParseErrorKind::Missing;
        Self { kind, field: Some(field.to_owned()), expected: None }
    }
}

/// The error of a value that cannot be stored: its serialization fails, or the fields of a secret
/// are expected and it is not a JSON object.
///
/// It does not contain the text of the type's own error, because that text may quote the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SerializeError {
    /// The value cannot be represented as JSON.
    #[error("the value cannot be serialized as JSON")]
    NotJson,
    /// The value is not a struct or a map with distinct names.
    #[error("the value is not a JSON object with distinct names")]
    NotAnObject,
}
