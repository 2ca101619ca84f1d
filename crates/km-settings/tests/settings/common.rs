//! Sources and a validator for tests, and helpers that check a case.

use std::collections::BTreeMap;

use km_settings::{Problems, Settings, Sources, Validator, Yaml};

/// A credential that must not appear in any output.
pub(crate) const SECRET: &str = "hvs.planted-secret";

/// A validator that is as strict as that of a Vault client.
pub(crate) struct Strict;

impl Validator for Strict {
    fn address(&self, text: &str, danger_plaintext: bool) -> Result<(), String> {
        let loopback = text.starts_with("http://127.0.0.1");
        if text.contains('@') {
            Err("it contains user info".to_owned())
        } else if text.starts_with("https://") || loopback || danger_plaintext {
            Ok(())
        } else {
            Err("it is neither https nor loopback".to_owned())
        }
    }

    fn path(&self, text: &str) -> Result<(), String> {
        let bad = |segment: &str| matches!(segment, "" | "." | "..");
        if text.split('/').any(bad) || text.chars().any(char::is_control) {
            Err("a segment is empty, `.` or `..`, or contains a control character".to_owned())
        } else {
            Ok(())
        }
    }
}

/// Returns an environment with these variables only.
pub(crate) fn env(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Reads settings from these variables, a token, and a file unless its text is empty.
pub(crate) fn read(variables: &[(&str, &str)], text: &str) -> Result<Settings, Problems> {
    let mut env = env(variables);
    env.entry("HCP_VAULT_TOKEN".to_owned()).or_insert_with(|| SECRET.to_owned());
    read_all(&env, text)
}

/// Like [`read`], without the token.
pub(crate) fn read_all(env: &BTreeMap<String, String>, text: &str) -> Result<Settings, Problems> {
    let yaml = (!text.is_empty()).then_some(Yaml::new("config.yaml", text));
    let result = Settings::from_sources(&Sources { env, yaml, validator: &Strict });
    let shown = match &result {
        Ok(settings) => format!("{settings:?}"),
        Err(problems) => format!("{problems:?}\n{problems}"),
    };
    assert!(!shown.contains(SECRET), "the secret is shown: {shown}");
    result
}

/// Reads settings that must be valid.
pub(crate) fn good(variables: &[(&str, &str)], text: &str) -> Settings {
    read(variables, text).unwrap_or_else(|problems| panic!("{variables:?} {text}: {problems}"))
}

/// Reads settings that must be invalid, and returns the problems.
pub(crate) fn bad(variables: &[(&str, &str)], text: &str) -> Vec<String> {
    match read(variables, text) {
        Ok(settings) => panic!("{variables:?} {text} is accepted: {settings:?}"),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

/// Asserts that there is exactly one problem, and that its message contains all of `parts`.
pub(crate) fn check_problem(variables: &[(&str, &str)], text: &str, parts: &[&str]) {
    let lines = bad(variables, text);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    for part in parts {
        assert!(lines[0].contains(part), "{part:?} is not in {:?}", lines[0]);
    }
}

/// Returns the messages of the warnings.
pub(crate) fn warnings(settings: &Settings) -> Vec<String> {
    settings.warnings.iter().map(ToString::to_string).collect()
}

/// Returns a file with these lines as `key_management_settings`.
pub(crate) fn management(lines: &[&str]) -> String {
    let mut text = "general_settings:\n  key_management_settings:\n".to_owned();
    for line in lines {
        text.push_str("    ");
        text.push_str(line);
        text.push('\n');
    }
    text
}
