use super::RawSetting;
use crate::diagnostics::Diagnostics;
use crate::table::{SETTINGS, Setting, ValueType};

/// Parses the default of a setting with the parser of its type, if it has a default.
fn parse_default(setting: &Setting, diagnostics: &mut Diagnostics) -> Option<()> {
    let raw = RawSetting::default_of(setting)?;
    match setting.value_type {
        ValueType::Boolean => raw.boolean(diagnostics).map(drop),
        ValueType::Duration => raw.duration(diagnostics).map(drop),
        ValueType::List => raw.list(diagnostics).map(drop),
        ValueType::Choice(words) => {
            let parse = |text: &str| words.contains(&text).then_some(());
            raw.choice(setting, parse, diagnostics)
        }
        ValueType::Text | ValueType::Address | ValueType::File | ValueType::Path => {
            raw.text(diagnostics).filter(|text| !text.trim().is_empty()).map(drop)
        }
    }
}

#[test]
fn every_default_of_the_table_parses_as_its_type() {
    for setting in SETTINGS {
        let mut diagnostics = Diagnostics::default();
        let parsed = parse_default(setting, &mut diagnostics);
        assert_eq!(parsed.is_some(), setting.default.text().is_some(), "{}", setting.name);
        assert!(diagnostics.finish().is_ok(), "{}", setting.name);
    }
}
