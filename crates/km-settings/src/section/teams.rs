//! The patterns in `KM_ALLOWED_TEAM_LOCATIONS`.

use crate::reader::{Origin, RawSetting, Reader, split_list};
use crate::source::yaml::Value;
use crate::table::teams::ALLOWED_LOCATIONS;
use crate::team::LocationPattern;

/// Returns the patterns; `None` if the setting is not set, so that all locations are allowed.
///
/// An empty list allows none, so that a list that is empty by mistake does not allow all.
pub(crate) fn allowed_locations(reader: &mut Reader<'_>) -> Option<Vec<LocationPattern>> {
    let found = reader.find_or_empty(&ALLOWED_LOCATIONS)?;
    let texts = texts(&found, reader)?;
    if texts.is_empty() {
        let message = "empty list: team settings may not name any location";
        let hint = "remove it to allow all locations";
        reader.diagnostics.warning(found.source.clone(), message, hint);
    }
    Some(texts.iter().filter_map(|text| pattern(text, &found, reader)).collect())
}

/// Returns the items. Unlike LiteLLM's lists, this one may be comma-separated in the file too.
fn texts(found: &RawSetting, reader: &mut Reader<'_>) -> Option<Vec<String>> {
    match &found.value {
        Value::Text(text) => Some(split_list(text)),
        _ => found.list(&mut reader.diagnostics),
    }
}

fn pattern(text: &str, found: &RawSetting, reader: &mut Reader<'_>) -> Option<LocationPattern> {
    let reason = match LocationPattern::parse(text, reader.validator) {
        Ok(pattern) => return Some(pattern),
        Err(reason) => reason,
    };
    // The reason may quote the value, and a referenced value may be a secret.
    let message = match found.origin {
        Origin::Reference => "a referenced value is not a valid pattern".to_owned(),
        Origin::Environment | Origin::File => {
            format!("{} is not a valid pattern: {reason}", found.quoted(text))
        }
    };
    let hint = "write `namespace/mount`, `namespace/mount:prefix`, or `/mount` in the root \
                namespace";
    reader.diagnostics.problem(found.source.clone(), message, hint);
    None
}
