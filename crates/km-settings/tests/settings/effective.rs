//! The effective settings: the value and the source of each row of the table.

use std::collections::BTreeMap;

use km_settings::{EffectiveSetting, SETTINGS, Sensitivity, Settings};
use serde_json::{Value, json};

use crate::common::{SECRET, good, management};

/// Returns a row, as it serializes.
fn row(settings: &Settings, name: &str) -> Value {
    let row = settings.effective.iter().find(|row| row.setting.name == name).unwrap();
    serde_json::to_value(row).unwrap()
}

fn check(variables: &[(&str, &str)], text: &str, name: &str, value: Value, source: &str) {
    let expected = json!({"name": name, "value": value, "source": source});
    assert_eq!(row(&good(variables, text), name), expected, "{variables:?} {text}");
}

#[test]
fn every_setting_has_one_row_in_the_order_of_the_table() {
    let settings = good(&[], "");
    let names = settings.effective.iter().map(|row| row.setting.name);
    assert!(names.eq(SETTINGS.iter().map(|setting| setting.name)));
}

#[test]
fn environment_takes_precedence_over_the_file_and_the_file_over_the_default() {
    let file = management(&["access_mode: write_only", "km:", "  deadline: 2s"]);
    let key = "config.yaml:5: general_settings.key_management_settings.km.deadline";
    check(&[], "", "KM_DEADLINE", json!("5s"), "default");
    check(&[], &file, "KM_DEADLINE", json!("2s"), key);
    let variable = [("KM_DEADLINE", "3s")];
    check(&variable, &file, "KM_DEADLINE", json!("3s"), "environment: KM_DEADLINE");
    check(&[("KM_DEADLINE", " ")], &file, "KM_DEADLINE", json!("2s"), key);
    let key = "config.yaml:3: general_settings.key_management_settings.access_mode";
    check(&[], &file, "KM_ACCESS_MODE", json!("write_only"), key);
}

#[test]
fn yaml_value_of_any_type_is_text() {
    let prefix = "config.yaml:3: general_settings.key_management_settings";
    for (line, name, value, key) in [
        ("store_virtual_keys: false", "KM_STORE_VIRTUAL_KEYS", "false", "store_virtual_keys"),
        ("hosted_keys: [A, B]", "KM_HOSTED_KEYS", "A,B", "hosted_keys"),
        ("km: {max_stale: 90}", "KM_MAX_STALE", "90", "km.max_stale"),
        ("km: {km_max_stale: 1m}", "KM_MAX_STALE", "1m", "km.km_max_stale"),
    ] {
        check(&[], &management(&[line]), name, json!(value), &format!("{prefix}.{key}"));
    }
}

#[test]
fn setting_without_a_value_is_null() {
    for name in ["HCP_VAULT_PATH_PREFIX", "KM_HOSTED_KEYS", "KM_TLS_SERVER_NAME"] {
        check(&[], "", name, Value::Null, "default");
    }
}

#[test]
fn default_that_depends_on_another_setting_is_the_effective_one() {
    let variable = |name: &str| format!("environment: {name}");
    let general = [("SECRET_MANAGER_REFRESH_INTERVAL", "60")];
    let source = variable("SECRET_MANAGER_REFRESH_INTERVAL");
    check(&[], "", "HCP_VAULT_REFRESH_INTERVAL", json!("86400"), "default");
    check(&general, "", "HCP_VAULT_REFRESH_INTERVAL", json!("60"), &source);
    let namespace = [("HCP_VAULT_NAMESPACE", "admin")];
    let source = variable("HCP_VAULT_NAMESPACE");
    for name in ["HCP_VAULT_LOGIN_NAMESPACE", "HCP_VAULT_SECRET_NAMESPACE"] {
        check(&namespace, "", name, json!("admin"), &source);
    }
    let root = [("HCP_VAULT_NAMESPACE", "admin"), ("HCP_VAULT_SECRET_NAMESPACE", "")];
    let source = variable("HCP_VAULT_SECRET_NAMESPACE");
    check(&root, "", "HCP_VAULT_SECRET_NAMESPACE", json!(""), &source);
    let roots = [("SSL_CERT_FILE", "/roots.pem")];
    check(&roots, "", "KM_CA_CERT", json!("/roots.pem"), &variable("SSL_CERT_FILE"));
    check(&[], "", "KM_AUTH_METHOD", json!("token"), "default");
    let store = [("KM_STORE_VIRTUAL_KEYS", "true")];
    check(&store, "", "KM_ACCESS_MODE", json!("read_and_write"), "default");
}

#[test]
fn setting_that_another_one_replaces_is_not_used() {
    let specific = [("HCP_VAULT_REFRESH_INTERVAL", "5"), ("SECRET_MANAGER_REFRESH_INTERVAL", "60")];
    check(&specific, "", "SECRET_MANAGER_REFRESH_INTERVAL", Value::Null, "not used");
    let certificates = [("KM_CA_CERT", "/ca.pem"), ("VAULT_CACERT", "/other.pem")];
    check(&certificates, "", "VAULT_CACERT", Value::Null, "not used");
}

#[test]
fn fallback_of_a_server_is_never_unless_it_is_explicit() {
    let settings = good(&[], "").for_server();
    assert_eq!(row(&settings, "KM_FALLBACK")["value"], "never");
    let settings = good(&[("KM_FALLBACK", "on_error")], "").for_server();
    assert_eq!(row(&settings, "KM_FALLBACK")["value"], "on_error");
}

#[test]
fn secret_is_masked_and_says_whether_it_is_set() {
    let settings = good(&[], "");
    let expected = json!({
        "name": "HCP_VAULT_TOKEN", "value": null, "set": true,
        "source": "environment: HCP_VAULT_TOKEN",
    });
    assert_eq!(row(&settings, "HCP_VAULT_TOKEN"), expected);
    let expected = json!({
        "name": "HCP_VAULT_APPROLE_SECRET_ID", "value": null, "set": false, "source": "default",
    });
    assert_eq!(row(&settings, "HCP_VAULT_APPROLE_SECRET_ID"), expected);
}

#[test]
fn text_from_a_referenced_variable_is_masked() {
    let file = management(&["description: os.environ/OTHER", "km: {deadline: os.environ/TIME}"]);
    let settings = good(&[("OTHER", "another"), ("TIME", "4s")], &file);
    let description = row(&settings, "KM_DESCRIPTION");
    assert_eq!((&description["value"], &description["set"]), (&Value::Null, &json!(true)));
    // A valid duration is not a secret.
    assert_eq!(row(&settings, "KM_DEADLINE")["value"], "4s");
    let items = management(&["km: {allowed_team_locations: [a/b, os.environ/OTHER]}"]);
    let settings = good(&[("OTHER", "teams/planted")], &items);
    assert_eq!(row(&settings, "KM_ALLOWED_TEAM_LOCATIONS")["set"], true);
}

#[test]
fn no_secret_of_the_table_is_shown() {
    let secrets = SETTINGS.iter().filter(|setting| setting.sensitivity == Sensitivity::Secret);
    let variables: Vec<_> = secrets.map(|setting| (setting.name, SECRET)).collect();
    let settings = good(&variables, "");
    let shown: BTreeMap<_, _> = settings
        .effective
        .iter()
        .map(|row: &EffectiveSetting| (row.setting.name, serde_json::to_string(row).unwrap()))
        .collect();
    for (name, _) in variables {
        assert!(shown[name].contains("\"set\":true"), "{}", shown[name]);
    }
    assert!(shown.values().all(|row| !row.contains("planted")), "{shown:?}");
}
