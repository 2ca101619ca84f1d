//! The map of a secret's fields.

use std::collections::{BTreeMap, btree_map};

use secrecy::SecretString;

use super::error::FieldError;
use super::value::Value;

/// The named fields of a secret, in the order of their names. `Debug` shows the names and masks the
/// values.
///
/// ```
/// use vault_kv::{Fields, Value};
///
/// let mut fields = Fields::new().with("user", "app").with("password", "s3cret");
/// fields.insert("port", 5432);
/// fields.remove("user");
/// assert_eq!(fields.keys().collect::<Vec<_>>(), ["password", "port"]);
/// assert!(fields.text("password").is_ok());
/// assert_eq!(fields.get("port").and_then(|port| port.parse::<u16>().ok()), Some(5432));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Fields(BTreeMap<String, Value>);

impl Fields {
    /// Creates an empty set of fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a field.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.insert(name, value);
        self
    }

    /// Adds or replaces a field, and returns the value that it replaces.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        self.0.insert(name.into(), value.into())
    }

    /// Removes and returns the value of field `name`.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Returns the value of field `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Returns whether there is a field `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns the number of fields.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the names of the fields.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns the fields.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.0.iter())
    }

    /// Returns the string in field `name`.
    ///
    /// # Errors
    /// [`FieldError`] if the field is missing or not a string.
    pub fn text(&self, name: &str) -> Result<&SecretString, FieldError> {
        let value = self.get(name).ok_or_else(|| FieldError::missing(name))?;
        value.as_text().ok_or_else(|| FieldError::not_text(name))
    }

    /// Removes and returns the string in field `name`.
    ///
    /// # Errors
    /// [`FieldError`] if the field is missing or not a string.
    pub fn into_text(mut self, name: &str) -> Result<SecretString, FieldError> {
        let value = self.remove(name).ok_or_else(|| FieldError::missing(name))?;
        value.into_text().ok_or_else(|| FieldError::not_text(name))
    }

    /// Returns the total length of all names and values, in bytes.
    pub fn bytes(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.bytes()).sum()
    }

    /// Returns the length of the longest value, in bytes.
    pub(crate) fn longest_value(&self) -> usize {
        self.0.values().map(Value::bytes).max().unwrap_or_default()
    }

    /// Returns whether both have the same fields with the same values. JSON is compared by meaning.
    pub fn same_as(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().zip(other).all(|(a, b)| a.0 == b.0 && a.1.same_as(b.1))
    }
}

/// The iterator over borrowed [`Fields`].
#[derive(Debug, Clone)]
pub struct Iter<'a>(btree_map::Iter<'a, String, Value>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, value)| (name.as_str(), value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// The iterator over owned [`Fields`].
#[derive(Debug)]
pub struct IntoIter(btree_map::IntoIter<String, Value>);

impl Iterator for IntoIter {
    type Item = (String, Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for IntoIter {}

impl<'a> IntoIterator for &'a Fields {
    type Item = (&'a str, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl IntoIterator for Fields {
    type Item = (String, Value);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter(self.0.into_iter())
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut fields = Self::new();
        fields.extend(pairs);
        fields
    }
}

impl<K: Into<String>, V: Into<Value>> Extend<(K, V)> for Fields {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        self.0.extend(pairs.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
}
