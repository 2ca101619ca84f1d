//! The places that team settings may name.

use crate::found::{Found, Route, split};
use crate::pattern::LocationPattern;
use crate::reader::Reader;
use crate::yaml::Value;

/// The patterns; `None` is all places. Empty is none of them: to leave a list empty by mistake
/// must not open every place.
pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Vec<LocationPattern>> {
    let found = reader.own_or_empty("KM_ALLOWED_TEAM_LOCATIONS")?;
    let texts = texts(&found, reader)?;
    if texts.is_empty() {
        let what = "is empty: team settings may name no place";
        reader.notes.warning(found.source.clone(), what, "remove it to allow all places");
    }
    let patterns = texts.iter().filter_map(|text| pattern(text, &found, reader)).collect();
    Some(patterns)
}

/// Unlike a list of LiteLLM's, ours may be a text with commas in the file too.
fn texts(found: &Found, reader: &mut Reader<'_>) -> Option<Vec<String>> {
    match &found.value {
        Value::Text(text) => Some(split(text)),
        _ => found.list(&mut reader.notes),
    }
}

fn pattern(text: &str, found: &Found, reader: &mut Reader<'_>) -> Option<LocationPattern> {
    match LocationPattern::parse(text, reader.rules) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            let what = match found.route {
                Route::Reference => "a pattern behind the reference names no place".to_owned(),
                Route::Environment | Route::File => {
                    format!("{} is no pattern of a place: {why}", found.shown(text))
                }
            };
            let hint = "write `namespace/mount`, or `/mount` for a mount at the root";
            reader.notes.problem(found.source.clone(), what, hint);
            None
        }
    }
}
