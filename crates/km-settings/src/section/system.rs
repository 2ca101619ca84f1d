//! The secret manager that the file names: Vault, or our own class for LiteLLM, which uses it.

use crate::reader::Reader;
use crate::reader::raw_setting::Found;
use crate::source::yaml::SYSTEM;
use crate::text::shown;

const VAULT: &str = "hashicorp_vault";
const CUSTOM: &str = "custom";
/// The class of `integrations/litellm`, which an operator imports into a module of any name.
const CLASS: &str = "KmSecretManager";
/// The key that names LiteLLM's class for `custom`.
const CLASS_KEY: &str = "custom_secret_manager";

/// Reports a file that is written for another secret manager.
pub(crate) fn check(reader: &mut Reader<'_>) {
    let Some(node) = reader.document.system.take() else {
        return;
    };
    let source = reader.document.origin(SYSTEM, node.line);
    let Some(found) = reader.resolve(source, node.value, false).filter(|found| !found.is_blank())
    else {
        return;
    };
    let Some(text) = found.text(&mut reader.notes) else {
        return;
    };
    match text.trim() {
        VAULT => {}
        CUSTOM => check_class(reader, &found),
        _ => {
            let what = format!("{} is not {}", found.shown(text), shown(VAULT));
            let hint = "set it to `hashicorp_vault`, or leave it out";
            reader.notes.problem(found.source.clone(), what, hint);
        }
    }
}

fn check_class(reader: &mut Reader<'_>, system: &Found) {
    let hint = "set it to MODULE.KmSecretManager, or the system to `hashicorp_vault`";
    let Some(class) = reader.take_from_management(CLASS_KEY) else {
        let what = format!("`custom` needs {CLASS_KEY}");
        reader.notes.problem(system.source.clone(), what, hint);
        return;
    };
    let Some(text) = class.text(&mut reader.notes) else {
        return;
    };
    let is_ours = |(module, name): (&str, &str)| !module.is_empty() && name == CLASS;
    if !text.trim().rsplit_once('.').is_some_and(is_ours) {
        let what = format!("{} is not the class {CLASS} in a module", class.shown(text));
        reader.notes.problem(class.source.clone(), what, hint);
    }
}
