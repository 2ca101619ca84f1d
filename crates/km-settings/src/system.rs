//! Which secret manager the file names. There is one that this is for.

use crate::reader::Reader;
use crate::text::shown;
use crate::yaml::SYSTEM;

const VAULT: &str = "hashicorp_vault";

/// Refuses a file that is for another secret manager.
pub(crate) fn check(reader: &mut Reader<'_>) {
    let Some(node) = reader.document.system.take() else {
        return;
    };
    let source = reader.document.origin(SYSTEM, node.line);
    let Some(found) = reader.resolve(source, node.value, false) else {
        return;
    };
    let Some(text) = found.text(&mut reader.notes) else {
        return;
    };
    if text.trim() != VAULT {
        let what = format!("{} is not {}", found.shown(text), shown(VAULT));
        let hint = "set it to `hashicorp_vault`, or leave it out";
        reader.notes.problem(found.source.clone(), what, hint);
    }
}
