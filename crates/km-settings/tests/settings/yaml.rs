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
    for class in ["km_secrets.KmSecretManager", "a.b.KmSecretManager", "os.environ/CLASS"] {
        let text = format!(
            "{}  key_management_settings: {{custom_secret_manager: {class}}}\n",
            text("custom")
        );
        let settings = good(&[("CLASS", "m.KmSecretManager")], &text);
        assert!(settings.warnings.is_empty(), "{class}: {:?}", settings.warnings);
    }
    for (value, part) in [
        ("custom", "`custom` needs custom_secret_manager"),
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
fn another_class_for_the_custom_system_is_refused() {
    for class in ["km_secrets.Other", "KmSecretManager", ".KmSecretManager", "m.KmSecretManagers"] {
        let text = format!(
            "general_settings:\n  key_management_system: custom\n  key_management_settings:\n    \
             custom_secret_manager: {class}\n"
        );
        let class = format!("`{class}` is not the class KmSecretManager in a module");
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
    // Where an empty variable has a meaning of its own, so does a reference to one.
    let text = management(&["km: {allowed_team_locations: os.environ/E}"]);
    assert_eq!(good(&[("E", "")], &text).allowed_team_locations.map(|list| list.len()), Some(0));
}

#[test]
fn last_of_two_equal_keys_counts_outside_our_section() {
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
    let what =
        "config.yaml:2: a key is given twice in one mapping: the last one counts, and so on 2";
    assert!(lines[0].starts_with(what), "{lines:?}");
}

#[test]
fn repeated_key_in_our_section_is_refused() {
    for lines in [
        &["access_mode: read_only", "access_mode: read_only"][..],
        &["km: {deadline: 1s, deadline: 2s}"],
        &["hosted_keys: [{a: 1, a: 2}]"],
    ] {
        let found = bad(&[], &management(lines));
        assert!(found[0].contains("a key is given twice in one mapping"), "{found:?}");
    }
    for text in [
        "general_settings: {key_management_system: hashicorp_vault, key_management_system: null}",
        "general_settings:\n  key_management_settings: {}\n  key_management_settings: {}",
        "general_settings: {key_management_settings: {access_mode: write_only}}\n\
         general_settings: {}",
    ] {
        check_problem(&[], text, &["a key is given twice in one mapping"]);
    }
}

#[test]
fn merge_keys_are_resolved_as_by_pyyaml() {
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
        check_problem(&[], &text, &["config.yaml:2: `<<` merges something that is not a mapping"]);
    }
}

#[test]
fn settings_under_environment_variables_are_warned_of() {
    let text = "environment_variables:\n  HCP_VAULT_ADDR: x\n  KM_DEADLINE: 5s\n  OTHER: y\n";
    let lines = warnings(&good(&[], text));
    assert_eq!(lines.len(), 2, "{lines:?}");
    let what = "config.yaml:2: environment_variables: HCP_VAULT_ADDR has no effect here";
    assert!(lines[0].starts_with(what), "{lines:?}");
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
    check_problem(&[], "- a\n- b\n", &["config.yaml:1: the file is not a mapping"]);
    check_problem(&[], "just text", &["config.yaml:1: the file is not a mapping"]);
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
        ("km: {deadline: .nan}", "is not a duration"),
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
