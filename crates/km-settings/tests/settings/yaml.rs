//! The file: our keys, references, and all that is somebody else's.

use std::time::Duration;

use crate::common::{SECRET, bad, check_problem, good, management, warnings};

#[test]
fn a_file_may_say_nothing() {
    for text in ["\n", "---\n", "# nothing\n", "general_settings:\n", "model_list: []\n", "{}"] {
        assert!(good(&[], text).warnings.is_empty(), "{text:?}");
    }
    good(&[], "general_settings:\n  key_management_settings:\n");
    good(&[], &management(&["km:"]));
}

#[test]
fn only_one_secret_manager_is_known() {
    let text = |value: &str| format!("general_settings:\n  key_management_system: {value}\n");
    for value in ["hashicorp_vault", "'hashicorp_vault'", "", "null", "os.environ/SYSTEM"] {
        good(&[("SYSTEM", "hashicorp_vault")], &text(value));
    }
    for (value, part) in [
        ("aws_secret_manager", "`aws_secret_manager` is not `hashicorp_vault`"),
        ("[hashicorp_vault]", "must be text, not a list"),
        ("true", "must be text, not a boolean"),
        ("os.environ/", "refers to the variable of that name, which is not set"),
        ("os.environ/SYSTEM", "refers to the variable SYSTEM, which is not set"),
    ] {
        let parts = ["config.yaml:2: general_settings.key_management_system", part];
        check_problem(&[], &text(value), &parts);
    }
}

#[test]
fn values_may_be_references() {
    let text = management(&["access_mode: os.environ/MODE", "km:", "  deadline: os.environ/TIME"]);
    let settings = good(&[("MODE", "write_only"), ("TIME", "2s")], &text);
    assert!(settings.access_mode.writes());
    assert_eq!(settings.server.deadline, Duration::from_secs(2));
    let lines = bad(&[("TIME", "2s")], &text);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("config.yaml:3: "), "{lines:?}");
    assert!(lines[0].contains("variable MODE, which is not set"), "{lines:?}");
}

#[test]
fn what_stands_behind_a_reference_is_not_quoted() {
    for line in [
        "access_mode: os.environ/A_KEY",
        "prefix_for_stored_virtual_keys: os.environ/A_KEY",
        "store_virtual_keys: os.environ/A_KEY",
        "km: {deadline: os.environ/A_KEY}",
        "km: {fallback: os.environ/A_KEY}",
        "km: {jwt_mount_path: os.environ/A_KEY}",
        "km: {allowed_team_locations: os.environ/A_KEY}",
        "km: {allowed_team_locations: [os.environ/A_KEY]}",
        "km: {tls_server_name: os.environ/A_KEY}",
    ] {
        let value = format!("{SECRET} ../..");
        let lines = bad(&[("A_KEY", &value)], &management(&[line]));
        assert!(!lines[0].contains("planted"), "{lines:?}");
    }
}

#[test]
fn references_are_found_wherever_they_stand() {
    let text = "
model_list:
  - model_name: gpt
    litellm_params: {api_key: os.environ/B, api_base: &base 'os.environ/A'}
  - litellm_params: {api_key: os.environ/B, api_base: *base} # os.environ/COMMENT
    text: see os.environ/MIDDLE
os.environ/KEY: 1
general_settings:
  master_key: os.environ/MASTER
  key_management_settings: {description: os.environ/TEXT}
litellm_settings: {callbacks: [os.environ/ITEM, 'os.environ/', 3, ~, .nan]}
block: |-
  os.environ/BLOCK
tagged: !anything os.environ/TAGGED
";
    let expected = ["B", "A", "MASTER", "TEXT", "ITEM", "BLOCK", "TAGGED"];
    assert_eq!(good(&[("TEXT", "t")], text).references, expected);
}

#[test]
fn what_belongs_to_the_proxy_is_left_alone() {
    let text = "
1: number
? [a, b]
: complex
null: nothing
date: 2001-01-01
base: &base {x: 1}
merged: {<<: *base, y: !include other.yaml}
tagged: !custom [!!binary aGk=, !!set {a, b}, 0o17, 1e999, .inf, 99999999999999999999999]
general_settings:
  <<: *base
  7: seven
";
    assert!(good(&[], text).warnings.is_empty());
}

#[test]
fn our_keys_may_be_merged_in() {
    let text = "
shared: &shared {access_mode: write_only}
general_settings:
  key_management_settings:
    <<: *shared
    store_virtual_keys: true
";
    assert!(!good(&[], text).access_mode.reads());
}

#[test]
fn what_must_be_a_mapping_is_one() {
    check_problem(&[], "- a\n- b\n", &["config.yaml:1: the file is no mapping"]);
    check_problem(&[], "just text", &["config.yaml:1: the file is no mapping"]);
    check_problem(&[], "a: 1\ngeneral_settings: [x]\n", &["config.yaml:2: general_settings"]);
    let text = "general_settings:\n  key_management_settings: true\n";
    check_problem(&[], text, &["config.yaml:2:", "must be a mapping, not a boolean"]);
    check_problem(&[], &management(&["km: 5s"]), &["km: must be a mapping, not text"]);
}

#[test]
fn our_own_keys_have_two_spellings() {
    for key in ["deadline", "km_deadline"] {
        for value in ["2s", "2", "'2'", "2.0"] {
            let text = management(&["km:", &format!("  {key}: {value}")]);
            let settings = good(&[], &text);
            assert_eq!(settings.server.deadline, Duration::from_secs(2), "{key}: {value}");
            assert!(settings.warnings.is_empty());
        }
    }
    let text = management(&["km:", "  deadline: 2s", "  km_deadline: 3s"]);
    check_problem(&[], &text, &["config.yaml:4:", "km.deadline", "again", "km.km_deadline"]);
    let text = management(&["access_mode: write_only", "km: {access_mode: read_only}"]);
    check_problem(&[], &text, &["is given again as"]);
    assert!(!good(&[], &management(&["km: {access_mode: write_only}"])).access_mode.reads());
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    for (line, part) in [
        ("description: 5", "must be text, not a number"),
        ("access_mode: [read_only]", "not a list"),
        ("prefix_for_stored_virtual_keys: true", "must be text, not a boolean"),
        ("km: {deadline: [5s]}", "must be a duration, not a list"),
        ("km: {deadline: .nan}", "is no duration"),
        ("km: {token_file: 5}", "must be text, not a number"),
        ("km: {allowed_team_locations: 5}", "must be a list of texts, not a number"),
    ] {
        let lines = bad(&[], &management(&[line]));
        assert!(lines.iter().any(|found| found.contains(part)), "{line}: {lines:?}");
    }
}

#[test]
fn keys_that_nothing_reads_are_warned_of() {
    for (line, part) in [
        ("tags: {a: b}", "key_management_settings.tags: is not used"),
        ("aws_region_name: x", "aws_region_name: is not used"),
        ("custom_secret_manager: x", "is not used"),
        ("acces_mode: read_only", "did you mean `access_mode`?"),
        ("deadline: 5s", "put it under `km:`"),
        ("km_deadline: 5s", "put it under `km:`"),
        ("km: {dead_line: 5s}", "did you mean `deadline`?"),
        ("km: {hcp_vault_client_cert: x}", "km.hcp_vault_client_cert: is no setting"),
        ("\"aws_\\n\": x", "holds a key that is no setting"),
        ("5: five", "holds a key that is no setting"),
        ("hvs.planted-secret: x", "holds a key that is no setting"),
    ] {
        let lines = warnings(&good(&[], &management(&[line])));
        assert_eq!(lines.len(), 1, "{line}: {lines:?}");
        assert!(lines[0].starts_with("config.yaml:3: ") && lines[0].contains(part), "{lines:?}");
    }
}

#[test]
fn keys_a_level_too_high_are_warned_of() {
    let text = "key_management_system: hashicorp_vault\nkey_management_settings: {}\n";
    let lines = warnings(&good(&[], text));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[1].starts_with("config.yaml:2: key_management_settings: stands at the top level")
    );
}
