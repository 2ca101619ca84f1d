//! The record of a rotation in the custom metadata of its secret.
//!
//! It exists from before a key is minted until nothing is left to do. It has no value of a key,
//! because a token may read metadata without being allowed to read the secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// The key of the record in custom metadata.
pub(super) const RECORD_KEY: &str = "km_rotation";

/// A rotation that has begun and has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationRecord {
    /// The ID of the rotation, which its commands receive too.
    pub id: String,
    /// The version whose key is replaced.
    pub old_version: u64,
}

impl RotationRecord {
    /// Returns the record in custom metadata, if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::StoredValue`] if it is not one of this program. Nothing may replace it, because
    /// the key that it is about would never be revoked.
    pub(super) fn find(
        custom_metadata: &BTreeMap<String, String>,
        operation: &str,
    ) -> Result<Option<Self>, Error> {
        let Some(text) = custom_metadata.get(RECORD_KEY) else {
            return Ok(None);
        };
        serde_json::from_str(text).map(Some).map_err(|_| {
            let what = format!("{operation}: custom metadata `{RECORD_KEY}` is not a rotation");
            Error::new(ErrorKind::StoredValue, what).with_hint("remove it from the metadata")
        })
    }

    /// Returns the text that is stored.
    pub(super) fn text(&self) -> String {
        // A string and a number always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: Option<&str>) -> Result<Option<RotationRecord>, Error> {
        let custom = text.map(|text| (RECORD_KEY.to_owned(), text.to_owned()));
        RotationRecord::find(&custom.into_iter().collect(), "rotate NAME")
    }

    #[test]
    fn record_is_found_as_it_was_stored() {
        let record = RotationRecord { id: "3f2a".to_owned(), old_version: 4 };
        assert_eq!(record.text(), r#"{"id":"3f2a","old_version":4}"#);
        assert_eq!(find(Some(&record.text())).unwrap(), Some(record.clone()));
        // A later version may store more.
        let more = r#"{"id":"3f2a","old_version":4,"more":[]}"#;
        assert_eq!(find(Some(more)).unwrap(), Some(record));
        assert_eq!(find(None).unwrap(), None);
    }

    #[test]
    fn other_text_is_not_a_rotation_and_not_ignored() {
        for text in ["", "null", "4", r#"{"id":"a"}"#, r#"{"id":"a","old_version":-1}"#, "{"] {
            let error = find(Some(text)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::StoredValue, "{text}");
        }
    }
}
