//! The name of the secret manager in the file: Vault, or the LiteLLM class of this project.

use crate::reader::{ListItems, RawSetting, Reader};
use crate::source::yaml::keys::SYSTEM_PATH;
use crate::text::quoted;

const VAULT: &str = "hashicorp_vault";
const CUSTOM: &str = "custom";
/// The class of `integrations/litellm`, which an operator imports into a module of any name.
const CLASS: &str = "KmSecretManager";
/// The key for the class that `custom` loads.
const CLASS_KEY: &str = "custom_secret_manager";

/// Rejects a file that configures another secret manager.
pub(crate) fn check(reader: &mut Reader<'_>) {
    let Some(node) = reader.document.system.take() else {
        return;
    };
    let source = reader.document.source(SYSTEM_PATH, node.line);
    let found = reader.resolve(source, node.value, ListItems::Keep);
    let Some(found) = found.filter(|found| !found.is_blank()) else {
        return;
    };
    let Some(text) = found.text(&mut reader.diagnostics) else {
        return;
    };
    match text.trim() {
        VAULT => {}
        CUSTOM => check_class(reader, &found),
        _ => {
            let message = format!("{} is not {}", found.quoted(text), quoted(VAULT));
            let hint = "set it to `hashicorp_vault`, or remove it";
            reader.diagnostics.problem(found.source.clone(), message, hint);
        }
    }
}

fn check_class(reader: &mut Reader<'_>, system: &RawSetting) {
    let hint = "set custom_secret_manager to MODULE.KmSecretManager, or key_management_system to \
                `hashicorp_vault`";
    let Some(class) = reader.take_litellm_key(CLASS_KEY) else {
        let message = format!("`custom` requires {CLASS_KEY}");
        reader.diagnostics.problem(system.source.clone(), message, hint);
        return;
    };
    let Some(text) = class.text(&mut reader.diagnostics) else {
        return;
    };
    let is_valid = |(module, name): (&str, &str)| !module.is_empty() && name == CLASS;
    if !text.trim().rsplit_once('.').is_some_and(is_valid) {
        let message = format!("{} is not the class {CLASS} of a module", class.quoted(text));
        reader.diagnostics.problem(class.source.clone(), message, hint);
    }
}
