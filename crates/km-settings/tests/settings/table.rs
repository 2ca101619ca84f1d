//! The table of settings: complete, and the source of every default.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::sync::Mutex;

use km_settings::{
    DefaultValue, Env, SETTINGS, Section, Sensitivity, Settings, Sources, ValueType, Yaml,
    reference,
};

use crate::common::{Strict, bad, good, read};

/// An environment that records which variables were read.
struct Recording {
    variables: BTreeMap<String, String>,
    read: Mutex<BTreeSet<String>>,
}

impl Env for Recording {
    fn var(&self, name: &str) -> Option<OsString> {
        self.read.lock().unwrap().insert(name.to_owned());
        self.variables.var(name)
    }
}

#[test]
fn table_lists_exactly_the_variables_that_are_read() {
    let variables = BTreeMap::new();
    let env = Recording { variables, read: Mutex::default() };
    let _ = Settings::from_sources(&Sources { env: &env, yaml: None, validator: &Strict });
    let mut read = env.read.into_inner().unwrap();
    // These are not settings. They are only read to warn that they are ignored.
    for name in ["VAULT_ADDR", "VAULT_NAMESPACE"] {
        assert!(read.remove(name), "{name}");
    }
    let listed: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.name.to_owned()).collect();
    assert_eq!(read, listed);
    assert_eq!(listed.len(), SETTINGS.len(), "a name is listed twice");
}

#[test]
fn default_set_explicitly_changes_nothing() {
    let unset = format!("{:?}", without_sources(good(&[], "")));
    for setting in SETTINGS {
        let (DefaultValue::Text(text) | DefaultValue::Conditional { text, .. }) = setting.default
        else {
            continue;
        };
        let set = format!("{:?}", without_sources(good(&[(setting.name, text)], "")));
        let set = set.replace("fallback_is_explicit: true", "fallback_is_explicit: false");
        assert_eq!(set, unset, "{setting:?}");
    }
}

fn without_sources(settings: Settings) -> Settings {
    let mut settings = settings;
    settings.effective.clear();
    settings
}

#[test]
fn value_that_does_not_match_its_type_is_rejected() {
    for setting in SETTINGS {
        let (value, expected) = match setting.value_type {
            ValueType::Boolean => ("perhaps", "`perhaps` is not `true` or `false`".to_owned()),
            ValueType::Duration => ("soon", "`soon` is not a duration".to_owned()),
            ValueType::Path => ("a/../b", "`a/../b` is not a valid path".to_owned()),
            ValueType::Choice(words) => {
                let hint = format!("(hint: use one of `{}`)", words.join("`, `"));
                ("other", format!("`other` is not a valid value {hint}"))
            }
            _ => continue,
        };
        let expected = format!("{}: {expected}", setting.name);
        let problems = bad(&[(setting.name, value)], "");
        let is_reported = problems.iter().any(|problem| problem.starts_with(&expected));
        assert!(is_reported, "{expected}: {problems:?}");
    }
}

#[test]
fn every_choice_of_the_table_is_accepted() {
    for setting in SETTINGS {
        let ValueType::Choice(words) = setting.value_type else { continue };
        for word in words {
            let problems = read(&[(setting.name, word)], "").err();
            let rejected = problems.map(|problems| problems.to_string()).unwrap_or_default();
            assert!(!rejected.contains("is not a valid value"), "{}: {rejected}", setting.name);
        }
    }
}

#[test]
fn every_yaml_key_of_the_table_is_read() {
    for setting in SETTINGS {
        let Some(path) = setting.yaml else { continue };
        let line = match path.strip_prefix("km.") {
            Some(key) => format!("km: {{{key}: os.environ/READ}}"),
            None => format!("{path}: os.environ/READ"),
        };
        let text = format!("general_settings: {{key_management_settings: {{{line}}}}}");
        let env = Recording { variables: BTreeMap::new(), read: Mutex::default() };
        let yaml = Some(Yaml::new("f", &text));
        let _ = Settings::from_sources(&Sources { env: &env, yaml, validator: &Strict });
        assert!(env.read.into_inner().unwrap().contains("READ"), "{path}");
    }
}

#[test]
fn pages_contain_every_setting() {
    let (markdown, help) = (reference::markdown(), reference::help());
    for setting in SETTINGS {
        assert_eq!(markdown.matches(&format!("\n| `{}` |", setting.name)).count(), 1);
        assert!(help.contains(&format!("  {}", setting.name)));
        assert!(!setting.description.contains(['|', '\n']), "{setting:?}");
    }
    for section in Section::ALL {
        assert!(markdown.contains(&format!("## {}\n", section.title())));
    }
    assert!(!help.contains('`'));
}

#[test]
fn secrets_and_credentials_are_marked() {
    let secret: Vec<_> = SETTINGS
        .iter()
        .filter(|setting| setting.sensitivity == Sensitivity::Secret)
        .map(|setting| setting.name)
        .collect();
    let expected = ["HCP_VAULT_APPROLE_ROLE_ID", "HCP_VAULT_APPROLE_SECRET_ID", "HCP_VAULT_TOKEN"];
    assert_eq!(secret, expected);
    for setting in SETTINGS.iter().filter(|setting| setting.name.ends_with("_FILE")) {
        let public = setting.name == "SSL_CERT_FILE";
        assert_eq!(setting.sensitivity == Sensitivity::Plain, public, "{}", setting.name);
    }
}
