//! Warnings about settings in places where they have no effect or are easily overlooked.

use super::include::File;
use super::keys::{GENERAL, KM, KM_PATH, SETTINGS, SYSTEM, source};
use super::node::{Entry, Node, Value};
use crate::diagnostics::Diagnostics;
use crate::text::is_variable_name;

/// LiteLLM's section for environment variables.
const VARIABLES: &str = "environment_variables";

/// Checks all files, in the order in which they are merged.
pub(super) fn check(files: &[File], diagnostics: &mut Diagnostics) {
    let mut replaced: Option<(&Node, &str)> = None;
    for (index, File { name, entries }) in files.iter().enumerate() {
        for entry in entries {
            check_entry(name, entry, diagnostics);
            if entry.name() == Some(GENERAL) {
                if let (Some(root), true) = (files.first(), index > 0) {
                    check_included(&root.name, name, replaced, entry, diagnostics);
                }
                replaced = Some((&entry.node, name));
            }
        }
    }
}

/// Warns about a key at the top level that has no effect on key management.
fn check_entry(file: &str, entry: &Entry, diagnostics: &mut Diagnostics) {
    match (entry.name(), &entry.node.value) {
        (Some(key @ (SYSTEM | SETTINGS)), _) => {
            let hint = "indent it below `general_settings:`";
            let message = "has no effect at the top level";
            diagnostics.warning(source(file, key, entry.line), message, hint);
        }
        (Some(VARIABLES), Value::Map(variables)) => {
            for variable in variables {
                check_variable(file, variable, diagnostics);
            }
        }
        _ => {}
    }
}

/// LiteLLM sets these variables after its secret manager has started. Other programs never do.
fn check_variable(file: &str, variable: &Entry, diagnostics: &mut Diagnostics) {
    let is_setting = |name: &&str| {
        ["HCP_VAULT_", "KM_"].iter().any(|prefix| name.starts_with(prefix))
            && is_variable_name(name)
    };
    if let Some(name) = variable.name().filter(is_setting) {
        let message = format!("{name} has no effect here, because it is read before this section");
        let hint = "set it in the environment of the process";
        diagnostics.warning(source(file, VARIABLES, variable.line), message, hint);
    }
}

/// Warns about `general_settings` in an included file, which replace those of earlier files.
fn check_included(
    root: &str,
    file: &str,
    replaced: Option<(&Node, &str)>,
    entry: &Entry,
    diagnostics: &mut Diagnostics,
) {
    let settings = child(&entry.node, SETTINGS);
    if let Some(km) = settings.and_then(|settings| child(&settings.node, KM)) {
        let hint = format!("move it to {root}");
        let message = "is set in an included file";
        diagnostics.warning(source(file, KM_PATH, km.line), message, hint);
    }
    if let Some((node, earlier)) = replaced
        && [SYSTEM, SETTINGS].iter().any(|key| child(node, key).is_some())
    {
        let message = format!("replaces the one in {earlier}, key management settings included");
        let hint = "keep `general_settings` in one file";
        diagnostics.warning(source(file, GENERAL, entry.line), message, hint);
    }
}

fn child<'a>(node: &'a Node, key: &str) -> Option<&'a Entry> {
    match &node.value {
        Value::Map(entries) => entries.iter().find(|entry| entry.name() == Some(key)),
        _ => None,
    }
}
