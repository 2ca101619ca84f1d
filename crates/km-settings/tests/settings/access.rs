//! Access mode, virtual keys, hosted keys and fallback, from the file and from the environment.

use km_settings::{AccessMode, Fallback};

use crate::common::{check_problem, good, management, warnings};

#[test]
fn default_access_mode_depends_on_virtual_keys() {
    use AccessMode::{ReadAndWrite, ReadOnly, WriteOnly};
    for (lines, expected, warned) in [
        (vec![], ReadOnly, 0),
        (vec!["access_mode: null"], ReadOnly, 0),
        (vec!["access_mode: read_only"], ReadOnly, 0),
        (vec!["access_mode: write_only"], WriteOnly, 0),
        (vec!["store_virtual_keys: false"], ReadOnly, 0),
        (vec!["store_virtual_keys: true"], ReadAndWrite, 1),
        (vec!["store_virtual_keys: true", "access_mode: write_only"], WriteOnly, 0),
        (vec!["store_virtual_keys: true", "access_mode: read_and_write"], ReadAndWrite, 0),
    ] {
        let settings = good(&[], &management(&lines));
        assert_eq!(settings.access_mode, expected, "{lines:?}");
        assert_eq!(settings.warnings.len(), warned, "{lines:?}");
    }
    assert!(ReadAndWrite.reads() && ReadAndWrite.writes());
    assert!(ReadOnly.reads() && !ReadOnly.writes());
    assert!(!WriteOnly.reads() && WriteOnly.writes());
}

#[test]
fn stored_virtual_keys_with_read_only_mode_are_rejected() {
    let text = management(&["store_virtual_keys: true", "access_mode: read_only"]);
    check_problem(&[], &text, &["config.yaml:4:", "access_mode", "contradicts"]);
    let variables = [("KM_STORE_VIRTUAL_KEYS", "1"), ("KM_ACCESS_MODE", "read_only")];
    check_problem(&variables, "", &["KM_ACCESS_MODE", "contradicts"]);
}

#[test]
fn boolean_is_any_of_litellms_words() {
    for (word, expected) in [
        ("true", true),
        ("True", true),
        ("yes", true),
        ("'on'", true),
        ("y", true),
        ("\"T\"", true),
        ("1", true),
        ("'1'", true),
        ("false", false),
        ("NO", false),
        ("off", false),
        ("0", false),
        ("null", false),
    ] {
        let text = management(&[&format!("store_virtual_keys: {word}")]);
        assert_eq!(good(&[], &text).virtual_keys.store, expected, "{word}");
    }
    for (word, kind) in [("2", "a number"), ("[true]", "a list"), ("maybe", "`maybe`")] {
        let text = management(&[&format!("store_virtual_keys: {word}")]);
        check_problem(&[], &text, &["config.yaml:3:", "store_virtual_keys", kind]);
    }
}

#[test]
fn virtual_key_prefix_is_normalized() {
    for (line, expected) in [
        ("description: x", Some("litellm")),
        ("prefix_for_stored_virtual_keys:", Some("litellm")),
        ("prefix_for_stored_virtual_keys: ''", None),
        ("prefix_for_stored_virtual_keys: /", None),
        ("prefix_for_stored_virtual_keys: ' /a/b/ '", Some("a/b")),
    ] {
        let settings = good(&[], &management(&[line]));
        assert_eq!(settings.virtual_keys.prefix.as_deref(), expected, "{line}");
    }
    let settings = good(&[("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", "")], "");
    assert_eq!(settings.virtual_keys.prefix, None);
}

#[test]
fn shared_folder_causes_warning_unless_allowed() {
    for (lines, warned) in [
        (&["description: x"][..], 0),
        (&["prefix_for_stored_virtual_keys: keys"], 0),
        (&["prefix_for_stored_virtual_keys: ''"], 1),
        (&["prefix_for_stored_virtual_keys: /"], 1),
        (&["prefix_for_stored_virtual_keys: ''", "km: {danger_shared_key_folder: true}"], 0),
        (&["prefix_for_stored_virtual_keys: ''", "km: {danger_shared_key_folder: false}"], 1),
    ] {
        let found = warnings(&good(&[], &management(lines)));
        assert_eq!(found.len(), warned, "{lines:?}: {found:?}");
        assert!(found.iter().all(|line| line.contains("prefix_for_stored_virtual_keys")));
    }
}

#[test]
fn hosted_keys_must_be_a_list_of_names() {
    for (line, expected) in [
        ("hosted_keys:", None),
        ("hosted_keys: []", Some(vec![])),
        ("hosted_keys: [B, A, B]", Some(vec!["A", "B"])),
        ("hosted_keys: [os.environ/A, NO]", Some(vec!["A", "NO"])),
    ] {
        let keys = good(&[], &management(&[line])).hosted_keys;
        let keys = keys.map(|keys| keys.into_iter().collect::<Vec<_>>());
        let expected = expected.map(|names| names.into_iter().map(str::to_owned).collect());
        assert_eq!(keys, expected, "{line}");
    }
    for (value, part) in [
        ("OPENAI_API_KEY", "must be a list of texts, not text"),
        ("os.environ/HOME", "must be a list of texts, not text"),
        ("3", "must be a list of texts, not a number"),
        ("{A: B}", "must be a list of texts, not a mapping"),
        ("[A, 3]", "each item must be text, not a number"),
        ("['']", "a name that is empty"),
    ] {
        let text = management(&[&format!("hosted_keys: {value}")]);
        check_problem(&[("HOME", "/")], &text, &["config.yaml:3:", "hosted_keys", part]);
    }
}

#[test]
fn hosted_keys_in_a_variable_are_comma_separated() {
    for (value, expected) in [("A, B,", vec!["A", "B"]), ("A", vec!["A"]), (" ", vec![])] {
        let settings = good(&[("KM_HOSTED_KEYS", value)], &management(&["hosted_keys: [C]"]));
        let keys: Vec<_> = settings.hosted_keys.iter().flatten().collect();
        assert_eq!(keys, expected, "{value:?}");
        assert_eq!(settings.warnings.len(), usize::from(expected.is_empty()));
    }
}

#[test]
fn environment_takes_precedence_over_file() {
    let text =
        management(&["access_mode: write_only", "description: file", "km:", "  fallback: never"]);
    let settings = good(&[], &text);
    assert_eq!(settings.description.as_deref(), Some("file"));
    assert_eq!(settings.fallback, Fallback::Never);
    let settings = good(
        &[
            ("KM_ACCESS_MODE", "read_and_write"),
            ("KM_DESCRIPTION", "variable"),
            ("KM_FALLBACK", "on_error"),
        ],
        &text,
    );
    assert_eq!(settings.access_mode, AccessMode::ReadAndWrite);
    assert_eq!(settings.description.as_deref(), Some("variable"));
    assert_eq!(settings.fallback, Fallback::OnError);
}

#[test]
fn invalid_choice_is_rejected_with_the_valid_values() {
    check_problem(
        &[],
        &management(&["access_mode: readwrite"]),
        &["`readwrite`", "`read_only`, `write_only`, `read_and_write`"],
    );
    check_problem(&[("KM_FALLBACK", "yes")], "", &["`never`, `on_missing`, `on_error`"]);
}

#[test]
fn write_only_mode_causes_no_warning() {
    assert!(warnings(&good(&[("KM_ACCESS_MODE", "write_only")], "")).is_empty());
}
