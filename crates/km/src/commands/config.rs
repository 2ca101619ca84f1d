//! `km config`: prints the effective settings and where each comes from.
//!
//! It sends nothing and opens no connection. It fails if the settings are invalid, because then
//! none is effective.

use km_settings::{
    DefaultValue, EffectiveSetting, EffectiveSource, EffectiveValue, Setting, Settings,
};
use serde::Serialize;

use crate::cli::GlobalArgs;
use crate::error::Failure;
use crate::io::{output, table};

#[derive(Serialize)]
struct Document<'a> {
    settings: &'a [EffectiveSetting],
}

pub(crate) async fn run(global: &GlobalArgs) -> Result<(), Failure> {
    let Settings { effective, .. } = crate::config::read_and_warn(global).await?;
    if global.json {
        return output::json(&Document { settings: &effective });
    }
    output::lines(table::align(["NAME", "VALUE", "SOURCE"], effective.iter().map(columns)))
}

fn columns(row: &EffectiveSetting) -> [String; 3] {
    let value = match &row.value {
        EffectiveValue::Unset => "-".to_owned(),
        EffectiveValue::Masked => "(set)".to_owned(),
        EffectiveValue::Text(text) if text.is_empty() => "(empty)".to_owned(),
        EffectiveValue::Text(text) => text.clone(),
    };
    [row.setting.name.to_owned(), value, source(row)]
}

/// Returns the source. For a default that is no value, it says in words what applies.
fn source(row: &EffectiveSetting) -> String {
    match (&row.source, &row.value, row.setting) {
        (
            EffectiveSource::Default,
            EffectiveValue::Unset,
            Setting { default: DefaultValue::Derived(words), .. },
        ) => format!("default: {}", words.replace('`', "")),
        (source, ..) => source.to_string(),
    }
}
