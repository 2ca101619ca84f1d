//! The table of settings holds every variable that is read, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::sync::Mutex;

use km_settings::{
    DefaultValue, Env, SETTINGS, Section, Sensitivity, Settings, Sources, Yaml, reference,
};

use crate::common::{Strict, good};

/// An environment that remembers what it was asked for.
struct Recording {
    variables: BTreeMap<String, String>,
    asked: Mutex<BTreeSet<String>>,
}

impl Env for Recording {
    fn var(&self, name: &str) -> Option<OsString> {
        self.asked.lock().unwrap().insert(name.to_owned());
        self.variables.var(name)
    }
}

#[test]
fn every_variable_that_is_read_is_in_the_table() {
    let variables = BTreeMap::new();
    let env = Recording { variables, asked: Mutex::default() };
    let _ = Settings::from_sources(&Sources { env: &env, yaml: None, validator: &Strict });
    let mut asked = env.asked.into_inner().unwrap();
    // They are no settings: that they are set is warned of, and their values are not read.
    for name in ["VAULT_ADDR", "VAULT_NAMESPACE"] {
        assert!(asked.remove(name), "{name}");
    }
    let listed: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.name.to_owned()).collect();
    assert_eq!(asked, listed);
    assert_eq!(listed.len(), SETTINGS.len(), "a name stands twice");
}

#[test]
fn a_default_is_what_its_text_says() {
    let unset = format!("{:?}", good(&[], ""));
    for setting in SETTINGS {
        if let DefaultValue::Text(text) = setting.default {
            assert_eq!(format!("{:?}", good(&[(setting.name, text)], "")), unset, "{setting:?}");
        }
    }
}

#[test]
fn every_key_of_the_table_is_read() {
    for setting in SETTINGS {
        let Some(path) = setting.yaml else { continue };
        let line = match path.strip_prefix("km.") {
            Some(key) => format!("km: {{{key}: os.environ/ASKED}}"),
            None => format!("{path}: os.environ/ASKED"),
        };
        let text = format!("general_settings: {{key_management_settings: {{{line}}}}}");
        let env = Recording { variables: BTreeMap::new(), asked: Mutex::default() };
        let yaml = Some(Yaml::new("f", &text));
        let _ = Settings::from_sources(&Sources { env: &env, yaml, validator: &Strict });
        assert!(env.asked.into_inner().unwrap().contains("ASKED"), "{path}");
    }
}

#[test]
fn the_pages_hold_every_setting() {
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
fn credentials_are_marked() {
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

#[test]
fn the_reference_page_is_made_from_the_table() {
    let page = include_str!("../../../../docs/reference/settings.md");
    let how = "cargo run -p km-settings --example settings_page > docs/reference/settings.md";
    assert!(page == km_settings::reference::markdown(), "the page is out of date: {how}");
}
