//! The file: our keys, references, and everything that belongs to other programs.

use std::time::Duration;

use crate::common::{SECRET, bad, check_problem, good, management, warnings};

#[test]
fn empty_file_is_accepted() {
    for text in ["\n", "---\n", "# nothing\n", "general_settings:\n", "model_list: []\n", "{}"] {
        assert!(good(&[], text).warnings.is_empty(), "{text:?}");
    }
    good(&[], "general_settings:\n  key_management_settings:\n");
    good(&[], &management(&["km:"]));
}

#[test]
fn other_secret_managers_are_rejected() {
    let text = |value: &str| format!("general_settings:\n  key_management_system: {value}\n");
    for value in ["hashicorp_vault", "'hashicorp_vault'", "", "null", "os.environ/SYSTEM"] {
        good(&[("SYSTEM", "hashicorp_vault")], &text(value));
    }
    for class in ["km_secrets.KmSecretManager", "a.b.KmSecretManager", "os.environ/CLASS"] {
        let text = format!(
            "{}  key_management_settings: {{custom_secret_manager: {class}}}\n",
            text("custom")
        );
        let settings = good(&[("CLASS", "m.KmSecretManager")], &text);
        assert!(settings.warnings.is_empty(), "{class}: {:?}", settings.warnings);
    }
    for (value, part) in [
        ("custom", "`custom` requires custom_secret_manager"),
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
fn custom_system_with_another_class_is_rejected() {
    for class in ["km_secrets.Other", "KmSecretManager", ".KmSecretManager", "m.KmSecretManagers"] {
        let text = format!(
            "general_settings:\n  key_management_system: custom\n  key_management_settings:\n    \
             custom_secret_manager: {class}\n"
        );
        let class = format!("`{class}` is not the class KmSecretManager of a module");
        check_problem(&[], &text, &["config.yaml:4:", "custom_secret_manager", &class]);
    }
}

#[test]
fn reference_to_an_empty_variable_counts_as_not_set() {
    let lines = ["access_mode: os.environ/E", "km: {deadline: os.environ/E}"];
    let text = management(&lines) + "  key_management_system: os.environ/E\n";
    let settings = good(&[("E", " ")], &text);
    assert_eq!(settings.server.deadline, Duration::from_secs(5));
    assert!(settings.access_mode.reads() && !settings.access_mode.writes());
    // If an empty variable has a meaning, so does a reference to one.
    let text = management(&["km: {allowed_team_locations: os.environ/E}"]);
    assert_eq!(good(&[("E", "")], &text).allowed_team_locations.map(|list| list.len()), Some(0));
}

#[test]
fn last_duplicate_key_outside_our_section_is_used_with_a_warning() {
    let text = "
model_list: [{api_key: os.environ/A, api_key: os.environ/B}]
litellm_settings: {x: os.environ/C}
general_settings: {master_key: os.environ/D}
litellm_settings: {x: os.environ/E}
general_settings: {master_key: os.environ/F}
";
    let settings = good(&[], text);
    assert_eq!(settings.references, ["B", "E", "F"]);
    let lines = warnings(&settings);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let what = "config.yaml:2: duplicate key, the last value is used (and on 2 more lines)";
    assert!(lines[0].starts_with(what), "{lines:?}");
}

#[test]
fn duplicate_key_in_our_section_is_rejected() {
    for lines in [
        &["access_mode: read_only", "access_mode: read_only"][..],
        &["km: {deadline: 1s, deadline: 2s}"],
        &["hosted_keys: [{a: 1, a: 2}]"],
    ] {
        let found = bad(&[], &management(lines));
        assert!(found[0].contains("duplicate key"), "{found:?}");
    }
    for text in [
        "general_settings: {key_management_system: hashicorp_vault, key_management_system: null}",
        "general_settings:\n  key_management_settings: {}\n  key_management_settings: {}",
        "general_settings: {key_management_settings: {access_mode: write_only}}\n\
         general_settings: {}",
    ] {
        check_problem(&[], text, &["duplicate key"]);
    }
}

#[test]
fn merge_keys_are_resolved_like_pyyaml() {
    for (text, expected) in [
        ("a: {<<: {x: os.environ/A}, x: os.environ/B}", "B"),
        ("a: {x: os.environ/B, <<: {x: os.environ/A}}", "B"),
        ("a: {<<: [{x: os.environ/A}, {x: os.environ/B}]}", "A"),
        ("a: {<<: {x: os.environ/A}, <<: {x: os.environ/B}}", "B"),
        ("a: {<<: {x: os.environ/A, x: os.environ/B}}", "B"),
        ("a: {<<: {<<: {x: os.environ/A}}}", "A"),
        ("a: {<<: {x: os.environ/A}, \"<<\": os.environ/B}", "A B"),
        ("<<: {x: os.environ/A}", "A"),
    ] {
        assert_eq!(good(&[], text).references.join(" "), expected, "{text}");
    }
    for value in ["text", "[text]", "", "1"] {
        let text = format!("a:\n  <<: {value}\n");
        check_problem(&[], &text, &["config.yaml:2: `<<` merges a value that is not a mapping"]);
    }
}

#[test]
fn settings_in_environment_variables_section_cause_warnings() {
    let text = "environment_variables:\n  HCP_VAULT_ADDR: x\n  KM_DEADLINE: 5s\n  OTHER: y\n";
    let lines = warnings(&good(&[], text));
    assert_eq!(lines.len(), 2, "{lines:?}");
    let what = "config.yaml:2: environment_variables: HCP_VAULT_ADDR has no effect here";
    assert!(lines[0].starts_with(what), "{lines:?}");
}

#[test]
fn value_can_be_a_reference() {
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
fn referenced_value_is_not_quoted() {
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
fn references_are_found_in_any_value() {
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
fn keys_of_the_proxy_are_ignored() {
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
fn our_keys_can_be_merged() {
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
fn value_that_must_be_a_mapping_is_rejected_otherwise() {
    check_problem(&[], "- a\n- b\n", &["config.yaml:1: the file is not a mapping"]);
    check_problem(&[], "just text", &["config.yaml:1: the file is not a mapping"]);
    check_problem(&[], "a: 1\ngeneral_settings: [x]\n", &["config.yaml:2: general_settings"]);
    let text = "general_settings:\n  key_management_settings: true\n";
    check_problem(&[], text, &["config.yaml:2:", "must be a mapping, not a boolean"]);
    check_problem(&[], &management(&["km: 5s"]), &["km: must be a mapping, not text"]);
}

#[test]
fn km_prefix_of_a_key_is_optional() {
    for key in ["deadline", "km_deadline"] {
        for value in ["2s", "2", "'2'", "2.0"] {
            let text = management(&["km:", &format!("  {key}: {value}")]);
            let settings = good(&[], &text);
            assert_eq!(settings.server.deadline, Duration::from_secs(2), "{key}: {value}");
            assert!(settings.warnings.is_empty());
        }
    }
    let text = management(&["km:", "  deadline: 2s", "  km_deadline: 3s"]);
    check_problem(&[], &text, &["config.yaml:4:", "km.deadline", "also set", "km.km_deadline"]);
    let text = management(&["access_mode: write_only", "km: {access_mode: read_only}"]);
    check_problem(&[], &text, &["also set as"]);
    assert!(!good(&[], &management(&["km: {access_mode: write_only}"])).access_mode.reads());
}

#[test]
fn value_of_the_wrong_type_is_rejected() {
    for (line, part) in [
        ("description: 5", "must be text, not a number"),
        ("access_mode: [read_only]", "not a list"),
        ("prefix_for_stored_virtual_keys: true", "must be text, not a boolean"),
        ("km: {deadline: [5s]}", "must be a duration, not a list"),
        ("km: {deadline: .nan}", "is not a duration"),
        ("km: {token_file: 5}", "must be text, not a number"),
        ("km: {allowed_team_locations: 5}", "must be a list of texts, not a number"),
    ] {
        let lines = bad(&[], &management(&[line]));
        assert!(lines.iter().any(|found| found.contains(part)), "{line}: {lines:?}");
    }
}

#[test]
fn unknown_key_causes_warning() {
    for (line, part) in [
        ("tags: {a: b}", "key_management_settings.tags: not used"),
        ("aws_region_name: x", "aws_region_name: not used"),
        ("custom_secret_manager: x", "not used"),
        ("acces_mode: read_only", "did you mean `access_mode`?"),
        ("deadline: 5s", "move it below `km:`"),
        ("km_deadline: 5s", "move it below `km:`"),
        ("km: {dead_line: 5s}", "did you mean `deadline`?"),
        ("km: {hcp_vault_client_cert: x}", "km.hcp_vault_client_cert: unknown setting"),
        ("\"aws_\\n\": x", "contains an unknown key"),
        ("5: five", "contains an unknown key"),
        ("hvs.planted-secret: x", "contains an unknown key"),
    ] {
        let lines = warnings(&good(&[], &management(&[line])));
        assert_eq!(lines.len(), 1, "{line}: {lines:?}");
        assert!(lines[0].starts_with("config.yaml:3: ") && lines[0].contains(part), "{lines:?}");
    }
}

#[test]
fn key_at_the_top_level_causes_warning() {
    let text = "key_management_system: hashicorp_vault\nkey_management_settings: {}\n";
    let lines = warnings(&good(&[], text));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[1]
            .starts_with("config.yaml:2: key_management_settings: has no effect at the top level")
    );
}
