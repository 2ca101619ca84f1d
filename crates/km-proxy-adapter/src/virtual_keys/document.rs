//! The document that is stored for a key: the value in its field, and a description beside it.

use km_settings::Location;
use secrecy::{ExposeSecret, SecretString};
use vault_kv::Fields;

use super::alias::KeyAlias;
use super::location::KeyFolder;
use crate::error::{Error, ErrorKind};

/// Returns the document of a key with the description that the caller chose.
///
/// # Errors
/// [`ErrorKind::Usage`] if the field of the value is that of descriptions.
pub(super) fn with_description(
    folder: &KeyFolder,
    value: SecretString,
    description: Option<&str>,
) -> Result<Fields, Error> {
    if description.is_some() && folder.field == Location::DESCRIPTION {
        return Err(Error::new(
            ErrorKind::Usage,
            "the field `description` stores the key, so it can't store a description",
        )
        .with_hint("omit the description, or choose another field in the team's settings"));
    }
    Ok(document(folder, value, description))
}

/// Returns the document of a key that replaces another one, with LiteLLM's description of that.
/// It has no description if the field of descriptions stores the key.
pub(super) fn with_origin(folder: &KeyFolder, value: SecretString, from: &KeyAlias) -> Fields {
    let origin = origin(folder, from);
    document(folder, value, (folder.field != Location::DESCRIPTION).then_some(&origin))
}

/// Returns whether a stored document is the result of a rename of `from`.
pub(super) fn has_origin(folder: &KeyFolder, stored: &Fields, from: &KeyAlias) -> bool {
    let is_origin = |text: &SecretString| text.expose_secret() == origin(folder, from);
    folder.field != Location::DESCRIPTION
        && stored.text(&folder.field).is_ok()
        && stored.text(Location::DESCRIPTION).is_ok_and(is_origin)
}

fn origin(folder: &KeyFolder, from: &KeyAlias) -> String {
    format!("Rotated from {}", folder.name(from))
}

fn document(folder: &KeyFolder, value: SecretString, description: Option<&str>) -> Fields {
    let fields = Fields::new().with(folder.field.as_str(), value);
    match description {
        Some(text) => fields.with(Location::DESCRIPTION, text),
        None => fields,
    }
}
