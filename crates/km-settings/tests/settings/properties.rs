//! For any input: nothing panics, and no message contains a secret.

use std::collections::BTreeMap;

use km_settings::{SETTINGS, Sensitivity, Setting, Settings, Sources, TeamSettings, Yaml};
use proptest::prelude::*;

use crate::common::{SECRET, Strict, env, good, read_all};

/// Generates settings with any text as their values.
fn environments() -> impl Strategy<Value = BTreeMap<String, String>> {
    let names = prop::sample::select(SETTINGS).prop_map(|setting| setting.name.to_owned());
    let values =
        prop_oneof!["\\PC{0,12}", any::<String>(), "[0-9a-z/._-]{0,9}", Just(String::new())];
    prop::collection::btree_map(names, values, 0..8)
}

/// Generates text that is often valid YAML, and often in our section.
fn files() -> impl Strategy<Value = String> {
    let keys = prop_oneof![
        Just("general_settings"),
        Just("key_management_settings"),
        Just("km"),
        Just("access_mode"),
        Just("hosted_keys"),
        Just("deadline"),
        Just("x"),
    ];
    let values = prop_oneof![
        Just("\n".to_owned()),
        "[ ]?[&*!|>'\"\\[{~-]{0,3}[a-z0-9]{0,4}\n",
        Just(" os.environ/HOME\n".to_owned()),
        any::<String>(),
    ];
    let ours = (0..6_usize, keys, values)
        .prop_map(|(indent, key, value)| format!("{}{key}:{value}", " ".repeat(indent)));
    let theirs = (0..6_usize, "['\"]?")
        .prop_map(|(indent, quote)| format!("{}y: {quote}{SECRET}\n", " ".repeat(indent)));
    prop::collection::vec(prop_oneof![3 => ours, 1 => theirs], 0..12)
        .prop_map(|lines| lines.concat())
}

/// Returns everything that is reported about these sources.
fn reported(env: &BTreeMap<String, String>, text: &str) -> String {
    let yaml = Some(Yaml::new("config.yaml", text));
    match Settings::from_sources(&Sources { env, yaml, validator: &Strict }) {
        Ok(settings) => format!("{:?}", settings.warnings),
        Err(problems) => format!("{problems} {problems:?}"),
    }
}

proptest! {
    #[test]
    fn any_environment_is_handled_without_leaking_a_secret(env in environments()) {
        // The helper searches the result for the secret.
        let _ = read_all(&env, "");
    }

    #[test]
    fn any_file_is_handled_without_leaking_a_secret(text in files()) {
        let reported = reported(&env(&[("HCP_VAULT_TOKEN", "t")]), &text);
        prop_assert!(!reported.contains("planted"), "{}", reported);
    }

    #[test]
    fn secret_in_a_credential_is_not_shown(mut env in environments(), junk in "\\PC{0,3}") {
        let secrets = SETTINGS.iter().filter(|row| row.sensitivity == Sensitivity::Secret);
        for Setting { name, .. } in secrets {
            env.insert((*name).to_owned(), format!("{SECRET}{junk}\u{1}{SECRET}"));
        }
        prop_assert!(read_all(&env, "").is_err());
        env.insert("HCP_VAULT_TOKEN".to_owned(), SECRET.to_owned());
        let _ = read_all(&env, "");
    }

    #[test]
    fn each_problem_is_one_line(env in environments(), text in files()) {
        let yaml = Some(Yaml::new("config.yaml", &text));
        let sources = Sources { env: &env, yaml, validator: &Strict };
        if let Err(problems) = Settings::from_sources(&sources) {
            prop_assert_eq!(problems.to_string().lines().count(), problems.iter().count());
            prop_assert!(problems.iter().count() > 0);
        }
    }

    #[test]
    fn any_team_settings_are_handled(json in any::<String>(), value in any::<String>()) {
        let _ = TeamSettings::from_json(&json, &Strict);
        let settings: Settings = good(&[("KM_ALLOWED_TEAM_LOCATIONS", "teams/*/kv-*,/kv")], "");
        let json = format!("{{\"mount\": {value:?}, \"data\": {value:?}}}");
        if let Ok(team) = TeamSettings::from_json(&json, &Strict) {
            let _ = team.overlay(&settings);
        }
    }
}
