//! The table that declares each setting. It generates the help and the reference page.

mod rows;
mod setting;

pub use rows::SETTINGS;
pub use setting::{DefaultValue, Section, Sensitivity, Setting};

/// Whether LiteLLM has a key of its own for the setting `name`.
pub(crate) fn stands_in_management(name: &str) -> bool {
    SETTINGS
        .iter()
        .find(|setting| setting.name == name)
        .and_then(|setting| setting.yaml)
        .is_some_and(|path| !path.starts_with("km."))
}
