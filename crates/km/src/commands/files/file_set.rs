//! The files of one set: names and bytes.

use std::collections::BTreeMap;

use km_proxy_adapter::zeroizing::ZeroizingBytes;

/// The names and the bytes of files that are replaced together. The bytes are zeroized on drop.
#[derive(Default)]
pub(super) struct FileSet(BTreeMap<String, ZeroizingBytes>);

impl FileSet {
    /// Copies the values into files, byte for byte.
    pub(super) fn new<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), ZeroizingBytes::new(value.as_bytes().to_vec())));
        Self(files.collect())
    }

    /// Returns whether there is a file with this name.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns the files, sorted by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// Returns the names, sorted.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
