//! The value of one field.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::same_json::same_json;

/// The value of a field: a string, or any other JSON value. `Debug` masks it.
///
/// It converts from strings, numbers and booleans. [`list`](Self::list) and
/// [`object`](Self::object) combine values, and [`from_serialize`](Self::from_serialize) converts
/// any type of `serde`.
///
/// ```
/// use vault_kv::{Fields, Value, ValueKind};
///
/// let hosts = Value::list(["db-1".into(), "db-2".into()]);
/// let fields = Fields::new().with("password", "s3cret").with("port", 5432).with("hosts", hosts);
/// assert_eq!(fields.get("port").map(Value::kind), Some(ValueKind::Number));
/// ```
#[derive(Clone)]
pub struct Value(Form);

/// The two forms in which a value is kept.
#[derive(Clone)]
enum Form {
    /// A string, decoded.
    Text(SecretString),
    /// Any other value, as JSON.
    Json(SecretString),
}

/// The type of a [`Value`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number of any size and precision.
    Number,
    /// A string.
    Text,
    /// A list, which JSON calls an array.
    List,
    /// A JSON object.
    Object,
}

impl Value {
    /// Creates `null`.
    pub fn null() -> Self {
        Self::from_json("null".into())
    }

    /// Creates a string.
    pub fn text(text: SecretString) -> Self {
        Self(Form::Text(text))
    }

    /// Creates a value from its JSON, which is valid and not a string.
    pub(super) fn from_json(json: SecretString) -> Self {
        Self(Form::Json(json))
    }

    /// Returns the type of the value.
    pub fn kind(&self) -> ValueKind {
        let Form::Json(json) = &self.0 else { return ValueKind::Text };
        match json.expose_secret().as_bytes().first() {
            Some(b'n') | None => ValueKind::Null,
            Some(b't' | b'f') => ValueKind::Bool,
            Some(b'[') => ValueKind::List,
            Some(b'{') => ValueKind::Object,
            Some(_) => ValueKind::Number,
        }
    }

    /// Returns whether the value is `null`.
    pub fn is_null(&self) -> bool {
        self.kind() == ValueKind::Null
    }

    /// Returns the string, or `None` for any other value.
    pub fn as_text(&self) -> Option<&SecretString> {
        match &self.0 {
            Form::Text(text) => Some(text),
            Form::Json(_) => None,
        }
    }

    /// Returns the string, or `None` for any other value.
    pub fn into_text(self) -> Option<SecretString> {
        match self.0 {
            Form::Text(text) => Some(text),
            Form::Json(_) => None,
        }
    }

    /// Returns the JSON of a value that is not a string, with the digits of its numbers as the
    /// server sent them, or `None` for a string.
    pub fn as_json(&self) -> Option<&SecretString> {
        match &self.0 {
            Form::Text(_) => None,
            Form::Json(json) => Some(json),
        }
    }

    /// Returns the length of the string or of the JSON, in bytes.
    pub fn bytes(&self) -> usize {
        match &self.0 {
            Form::Text(text) | Form::Json(text) => text.expose_secret().len(),
        }
    }

    /// Returns whether both values are the same. JSON is compared by meaning.
    pub fn same_as(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Form::Text(a), Form::Text(b)) => a.expose_secret() == b.expose_secret(),
            (Form::Json(a), Form::Json(b)) => same_json(a.expose_secret(), b.expose_secret()),
            _ => false,
        }
    }
}

/// Displays the type of the value.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}([REDACTED])", self.kind())
    }
}
