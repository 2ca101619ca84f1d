//! The location of secrets.

use crate::reader::Reader;
use crate::table::Setting;
use crate::table::location::{MOUNT_NAME, NAMESPACE, PATH_PREFIX, SECRET_NAMESPACE};
use crate::values::location::Location;

pub(crate) fn read(reader: &mut Reader<'_>) -> Location {
    Location {
        namespace: namespace(reader, &SECRET_NAMESPACE),
        mount: reader.path(&MOUNT_NAME).unwrap_or_default(),
        path_prefix: reader.path(&PATH_PREFIX),
        field: Location::VALUE.to_owned(),
    }
}

/// Returns the namespace in the setting `specific` if it is set, even if it is empty. Otherwise
/// returns the one in `HCP_VAULT_NAMESPACE`.
pub(crate) fn namespace(reader: &mut Reader<'_>, specific: &Setting) -> Option<String> {
    let mut found = reader.find_or_empty(specific);
    if found.is_none() {
        found = reader.find_or_empty(&NAMESPACE);
        reader.record.inherit(specific, &NAMESPACE);
    }
    reader.parse_path(found)
}
