//! The places that team settings may name.

use crate::reader::Reader;
use crate::reader::raw_setting::{Found, Route, split};
use crate::settings::Settings;
use crate::source::yaml::Value;
use crate::team::pattern::{LocationPattern, mount_segments};

impl Settings {
    /// Whether team settings may name this place. Without patterns all are allowed, as in LiteLLM.
    ///
    /// In the global mount, and in a mount that a pattern with a prefix names, only patterns with
    /// a prefix allow anything: such a mount holds provider secrets or several teams' keys.
    pub fn allows_team_location(
        &self,
        namespace: Option<&str>,
        mount: &str,
        path_prefix: Option<&str>,
    ) -> bool {
        let Some(patterns) = &self.allowed_team_locations else {
            return true;
        };
        let global = &self.location;
        let of_mount: Vec<_> =
            patterns.iter().filter(|pattern| pattern.matches_mount(namespace, mount)).collect();
        let needs_prefix = mount_segments(namespace, mount)
            == mount_segments(global.namespace.as_deref(), &global.mount)
            || of_mount.iter().any(|pattern| pattern.prefix().is_some());
        let mut allowed = of_mount.iter().map(|pattern| pattern.matches_prefix(path_prefix));
        allowed.any(|matches| matches.unwrap_or(!needs_prefix))
    }
}

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
            let hint =
                "write `namespace/mount` or `namespace/mount:prefix`, with `/mount` at the root";
            reader.notes.problem(found.source.clone(), what, hint);
            None
        }
    }
}
