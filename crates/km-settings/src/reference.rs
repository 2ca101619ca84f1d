//! The table of settings as text: a page of Markdown, and help for a terminal.

use std::fmt::Write as _;

use crate::table::{DefaultValue, SETTINGS, Section, Setting};

const INTRODUCTION: &str = "\
# Settings

A setting comes from the environment, or from the YAML file where a key is named; the environment
wins. Keys stand under `general_settings.key_management_settings`. The keys below `km:` may carry
their `km_` prefix too (`km_deadline` for `deadline`). Any text in the file may be
`os.environ/NAME`. `general_settings.key_management_system` is absent, `hashicorp_vault`, or `custom`
with `custom_secret_manager: MODULE.KmSecretManager`, which is [the class for
LiteLLM](../guides/litellm-custom.md).

An empty variable counts as not set, except where the meaning says what empty is; so does a reference
to one. Durations are `500ms`, `5s`, `15m`, `1h`, `1d`, `1w`, or bare seconds.
";

/// The reference page, `docs/reference/settings.md`.
pub fn markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for section in Section::ALL {
        page.push_str(&format_section(section));
    }
    page
}

fn format_section(section: Section) -> String {
    let mut text = format!("\n## {}\n\n", section.title());
    text.push_str("| variable | key | default | meaning |\n|---|---|---|---|\n");
    for setting in of(section) {
        let key = setting.yaml.map_or_else(|| "–".to_owned(), |key| format!("`{key}`"));
        let default = match setting.default {
            DefaultValue::Text(text) => format!("`{text}`"),
            DefaultValue::Derived(rule) => rule.to_owned(),
            DefaultValue::Unset => "unset".to_owned(),
        };
        // Writing to a `String` has no failure to report.
        let _ =
            writeln!(text, "| `{}` | {key} | {default} | {} |", setting.name, setting.description);
    }
    text
}

/// The help: a name and its default on one line, the meaning indented below.
pub fn help() -> String {
    let mut text = String::new();
    for section in Section::ALL {
        let _ = writeln!(text, "{}{}:", if text.is_empty() { "" } else { "\n" }, section.title());
        for setting in of(section) {
            let default = match setting.default {
                DefaultValue::Text(text) | DefaultValue::Derived(text) => {
                    format!(" [default: {}]", plain(text))
                }
                DefaultValue::Unset => String::new(),
            };
            let _ =
                writeln!(text, "  {}{default}\n      {}", setting.name, plain(setting.description));
        }
    }
    text
}

fn of(section: Section) -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(move |setting| setting.section == section)
}

/// Without the marks of Markdown.
fn plain(text: &str) -> String {
    text.replace('`', "")
}
