//! What is stored for a key: the value in its field, and a description beside it.

use km_settings::Location;
use secrecy::{ExposeSecret, SecretString};
use vault_kv::Fields;

use super::KeyAlias;
use super::location::KeyFolder;
use crate::error::{Error, ErrorKind};

/// A key's document with the description that its writer wants.
///
/// # Errors
/// [`ErrorKind::Usage`] where the one would take the other's field.
pub(super) fn described(
    folder: &KeyFolder,
    value: SecretString,
    description: Option<&str>,
) -> Result<Fields, Error> {
    if description.is_some() && folder.field == Location::DESCRIPTION {
        return Err(Error::new(
            ErrorKind::Usage,
            "the field `description` holds the key: a description can't stand there too",
        )
        .with_hint("leave the description out, or give the team another field"));
    }
    Ok(document(folder, value, description))
}

/// The document of a key that came out of another one, as LiteLLM writes it. Where the field of
/// descriptions holds the key, there is none.
pub(super) fn derived(folder: &KeyFolder, value: SecretString, from: &KeyAlias) -> Fields {
    let origin = origin(folder, from);
    document(folder, value, (folder.field != Location::DESCRIPTION).then_some(&origin))
}

/// Whether a stored document is what a rename of `from` leaves.
pub(super) fn came_from(folder: &KeyFolder, stored: &Fields, from: &KeyAlias) -> bool {
    let described = |text: &SecretString| text.expose_secret() == origin(folder, from);
    folder.field != Location::DESCRIPTION
        && stored.text(&folder.field).is_ok()
        && stored.text(Location::DESCRIPTION).is_ok_and(described)
}

fn origin(folder: &KeyFolder, from: &KeyAlias) -> String {
    format!("Rotated from {}", folder.name(from))
}

fn document(folder: &KeyFolder, value: SecretString, description: Option<&str>) -> Fields {
    let fields = Fields::new().with(folder.field.as_str(), value);
    match description {
        Some(text) => fields.with(Location::DESCRIPTION, text.into()),
        None => fields,
    }
}
