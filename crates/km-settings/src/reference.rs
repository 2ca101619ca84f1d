//! The table of settings as text: a Markdown page, and help for a terminal.

use std::fmt::Write as _;

use crate::table::{SETTINGS, Section, Setting, ValueType};

const INTRODUCTION: &str = "\
# Settings

A setting comes from an environment variable or, if a key is listed, from the YAML file. The
environment takes precedence. Keys are relative to `general_settings.key_management_settings`. The
`km_` prefix may be kept below `km:` (`km_deadline` for `deadline`). Any text in the file may be a
reference to a variable: `os.environ/NAME`.

`general_settings.key_management_system` is `hashicorp_vault`, or `custom` with
`custom_secret_manager: MODULE.KmSecretManager` for [the LiteLLM
class](../guides/litellm-custom.md). It may be omitted.

An empty variable counts as not set unless the description says what empty means. So does a
reference to an empty variable.

Types: a *duration* is `500ms`, `5s`, `15m`, `1h`, `1d`, `1w`, or a number of seconds. A *boolean*
is `true` or `false`, or another of LiteLLM's words for them (`yes`, `on`, `1`, …). A *list* is
comma-separated in a variable, and a YAML list in the file. A *path* consists of segments with `/`
between them.
";

/// Returns the reference page, `docs/reference/settings.md`.
pub fn markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for section in Section::ALL {
        page.push_str(&format_section(section));
    }
    page
}

fn format_section(section: Section) -> String {
    let mut text = format!("\n## {}\n\n", section.title());
    text.push_str("| variable | key | type | default | description |\n|---|---|---|---|---|\n");
    for setting in settings_of(section) {
        let Setting { name, value_type, description, .. } = setting;
        let key = setting.yaml.map_or_else(|| "–".to_owned(), |key| format!("`{key}`"));
        let default = setting.default.describe().unwrap_or_else(|| "unset".to_owned());
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "| `{name}` | {key} | {value_type} | {default} | {description} |");
    }
    text
}

/// Returns the help: each setting and its default on a line, the description indented below.
pub fn help() -> String {
    let mut text = String::new();
    for section in Section::ALL {
        let _ = writeln!(text, "{}{}:", if text.is_empty() { "" } else { "\n" }, section.title());
        for setting in settings_of(section) {
            let default = setting.default.describe();
            let default = default.map_or_else(String::new, |words| format!(" [default: {words}]"));
            let values = match setting.value_type {
                ValueType::Choice(words) => format!(" [possible values: {}]", words.join(", ")),
                _ => String::new(),
            };
            let Setting { name, description, .. } = setting;
            let entry = format!("  {name}{default}\n      {description}{values}");
            let _ = writeln!(text, "{}", without_markdown(&entry));
        }
    }
    text
}

fn settings_of(section: Section) -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(move |setting| setting.section == section)
}

fn without_markdown(text: &str) -> String {
    text.replace('`', "")
}
