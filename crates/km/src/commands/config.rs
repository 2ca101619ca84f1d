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
use crate::io::output;
use crate::io::styled::Span;
use crate::io::styled::Tone::{Faint, Plain};
use crate::io::table::Table;

#[derive(Serialize)]
struct Document<'a> {
    settings: &'a [EffectiveSetting],
}

pub(crate) async fn run(global: &GlobalArgs) -> Result<(), Failure> {
    let Settings { effective, .. } = crate::config::read_and_warn(global).await?;
    if global.json {
        return output::json(&Document { settings: &effective });
    }
    let mut table = Table::new(["NAME", "VALUE", "SOURCE"]);
    for row in &effective {
        let tone = if row.source == EffectiveSource::Default { Faint } else { Plain };
        table.row([
            Span::new(row.setting.name, Plain),
            value(&row.value),
            Span::new(&source(row), tone),
        ]);
    }
    output::table(table)
}

fn value(value: &EffectiveValue) -> Span {
    match value {
        EffectiveValue::Unset => Span::or_dash(None, Plain),
        EffectiveValue::Masked => Span::new("(set)", Faint),
        EffectiveValue::Text(text) if text.is_empty() => Span::new("(empty)", Faint),
        EffectiveValue::Text(text) => Span::new(text, Plain),
    }
}

/// Returns the source. A default without a value is described in words.
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
