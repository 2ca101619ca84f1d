//! Keys of the file that have no effect: those of other secret managers, and misspellings.

use crate::diagnostics::Diagnostics;
use crate::source::yaml::keys::{KM_PATH, SETTINGS_PATH};
use crate::source::yaml::{Document, Entry};
use crate::table::SETTINGS;
use crate::text::nearest;

/// LiteLLM's keys for other secret managers, in addition to those that begin with `aws_`.
const OTHER_MANAGERS: [&str; 5] =
    ["tags", "primary_secret_name", "kms_key_id", "replica_regions", "custom_secret_manager"];

/// Warns about each key that is not read.
pub(crate) fn warn(document: &Document, diagnostics: &mut Diagnostics) {
    for entry in &document.settings {
        let key = entry.name().unwrap_or_default();
        if OTHER_MANAGERS.contains(&key) || (key.starts_with("aws_") && may_quote(key)) {
            let source = document.source(&format!("{SETTINGS_PATH}.{key}"), entry.line);
            let message = "not used with this secret manager";
            diagnostics.warning(source, message, "remove it");
        } else if !litellm_keys().any(|known| known == key) {
            warn_of_unknown(document, SETTINGS_PATH, entry, diagnostics);
        }
    }
    for entry in &document.km {
        let key = entry.name().unwrap_or_default();
        if !km_keys().any(|known| known == key || Some(known) == key.strip_prefix("km_")) {
            warn_of_unknown(document, KM_PATH, entry, diagnostics);
        }
    }
}

/// Returns the keys of LiteLLM that are read.
fn litellm_keys() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().filter_map(|setting| setting.yaml).filter(|key| !key.starts_with("km."))
}

/// Returns the keys that are read below `km:`. LiteLLM's are among them.
fn km_keys() -> impl Iterator<Item = &'static str> {
    SETTINGS
        .iter()
        .filter_map(|setting| setting.yaml)
        .map(|key| key.strip_prefix("km.").unwrap_or(key))
}

fn warn_of_unknown(document: &Document, path: &str, entry: &Entry, diagnostics: &mut Diagnostics) {
    let Some(key) = entry.name().filter(|key| may_quote(key)) else {
        let source = document.source(path, entry.line);
        diagnostics.warning(source, "contains an unknown key", "remove it");
        return;
    };
    let short = key.strip_prefix("km_").unwrap_or(key);
    let hint = if path == SETTINGS_PATH && km_keys().any(|known| known == short) {
        "move it below `km:`".to_owned()
    } else {
        let similar =
            if path == KM_PATH { nearest(short, km_keys()) } else { nearest(key, litellm_keys()) };
        similar.map_or_else(|| "remove it".to_owned(), |known| format!("did you mean `{known}`?"))
    };
    let source = document.source(&format!("{path}.{key}"), entry.line);
    diagnostics.warning(source, "unknown setting", hint);
}

/// Returns whether a message may quote a key. A secret that was pasted in its place is longer, or
/// contains other characters.
fn may_quote(key: &str) -> bool {
    key.len() <= 40 && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}
