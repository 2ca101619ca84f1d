//! Keys of the file that change nothing: LiteLLM's for other secret managers, and slips.

use crate::diagnostics::Notes;
use crate::source::yaml::{Document, Entry, MANAGEMENT, OWN};
use crate::table::SETTINGS;
use crate::text::nearest;

/// Keys that LiteLLM has for other secret managers, beside all that begin with `aws_`.
const OTHERS: [&str; 5] =
    ["tags", "primary_secret_name", "kms_key_id", "replica_regions", "custom_secret_manager"];

/// Warns of each key that nothing reads.
pub(crate) fn warn(document: &Document, notes: &mut Notes) {
    for entry in &document.management {
        let key = entry.name().unwrap_or_default();
        if OTHERS.contains(&key) || (key.starts_with("aws_") && looks_like_a_key(key)) {
            let source = document.origin(&format!("{MANAGEMENT}.{key}"), entry.line);
            notes.warning(source, "is not used with this secret manager", "remove it, or leave it");
        } else if !management().any(|known| known == key) {
            unknown(document, MANAGEMENT, entry, notes);
        }
    }
    for entry in &document.own {
        let key = entry.name().unwrap_or_default();
        if !own().any(|known| known == key || Some(known) == key.strip_prefix("km_")) {
            unknown(document, OWN, entry, notes);
        }
    }
}

/// LiteLLM's keys that are read.
fn management() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().filter_map(|setting| setting.yaml).filter(|key| !key.starts_with("km."))
}

/// Our own keys: those, and LiteLLM's keys too.
fn own() -> impl Iterator<Item = &'static str> {
    SETTINGS
        .iter()
        .filter_map(|setting| setting.yaml)
        .map(|key| key.strip_prefix("km.").unwrap_or(key))
}

fn unknown(document: &Document, path: &str, entry: &Entry, notes: &mut Notes) {
    let Some(key) = entry.name().filter(|key| looks_like_a_key(key)) else {
        let source = document.origin(path, entry.line);
        notes.warning(source, "holds a key that is no setting", "remove it");
        return;
    };
    let bare = key.strip_prefix("km_").unwrap_or(key);
    let hint = if path == MANAGEMENT && own().any(|known| known == bare) {
        "put it under `km:`".to_owned()
    } else {
        let near = if path == OWN { nearest(bare, own()) } else { nearest(key, management()) };
        near.map_or_else(|| "remove it".to_owned(), |near| format!("did you mean `{near}`?"))
    };
    notes.warning(document.origin(&format!("{path}.{key}"), entry.line), "is no setting", hint);
}

/// Whether a message may quote it. A pasted secret is longer, or has other characters.
fn looks_like_a_key(key: &str) -> bool {
    key.len() <= 40 && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}
