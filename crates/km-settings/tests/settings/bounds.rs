//! The limits of a file, and messages about files that cannot be parsed.

use std::fmt::Write as _;

use crate::common::{SECRET, bad, check_problem, good};

#[test]
fn file_larger_than_one_mebibyte_is_rejected() {
    let text = |length: usize| format!("a: {}\n", "x".repeat(length - 4));
    good(&[], &text(1024 * 1024));
    let parts = ["config.yaml:1: the file and everything it includes are larger than 1 MiB"];
    check_problem(&[], &text(1024 * 1024 + 1), &parts);
}

#[test]
fn number_of_values_in_a_file_is_unlimited() {
    good(&[], &format!("a: [{}]\n", "1,".repeat(300_000)));
}

fn aliases(anchored: &str, count: usize) -> String {
    let mut text = format!("anchor: &anchor {anchored}\nuses:\n");
    for _ in 0..count {
        text.push_str("  - *anchor\n");
    }
    text
}

#[test]
fn aliases_that_expand_beyond_the_limit_are_rejected() {
    for (anchored, count) in [("x", 70_000), ("[x, y, z]", 20_000)] {
        good(&[], &aliases(anchored, count));
    }
    // A list expands to its items and an event at either end.
    let text = aliases("[x, y, z]", 20_001);
    check_problem(&[], &text, &["the aliases expand to more than 100,000 nodes"]);
}

#[test]
fn thousand_models_with_a_merge_key_are_accepted() {
    let mut text = "defaults: &d {api_key: os.environ/KEY, x: y}\nmodel_list:\n".to_owned();
    for model in 0..1000 {
        writeln!(text, "- {{name: m{model}, litellm_params: {{<<: *d, x: z}}}}").unwrap();
    }
    let settings = good(&[], &text);
    assert_eq!(settings.references, ["KEY"]);
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
}

#[test]
fn aliases_of_long_texts_beyond_the_limit_are_rejected() {
    let text = aliases(&"x".repeat(1000), 10_000);
    check_problem(&[], &text, &["the aliases expand to more than 8 MiB of text"]);
}

#[test]
fn nested_aliases_beyond_the_limit_are_rejected() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let uses = format!("*a{}, ", level - 1).repeat(9);
        writeln!(text, "a{level}: &a{level} [{uses}]").unwrap();
    }
    check_problem(&[], &text, &["the aliases expand to more than 100,000 nodes"]);
    let mut text = "a0: &a0 {k: v}\n".to_owned();
    for level in 1..30 {
        let before = level - 1;
        writeln!(text, "a{level}: &a{level} {{<<: [*a{before}, *a{before}]}}").unwrap();
    }
    check_problem(&[], &text, &["the aliases expand to more than 100,000 nodes"]);
}

#[test]
fn variable_larger_than_the_limit_is_rejected() {
    let value = "x,".repeat(5 * 1024 * 1024);
    for setting in km_settings::SETTINGS {
        let lines = bad(&[(setting.name, &value)], "");
        let line = format!("{}: the value is larger than 128 KiB", setting.name);
        assert!(lines.iter().any(|found| found.starts_with(&line)), "{line}: {lines:?}");
    }
}

#[test]
fn nesting_deeper_than_32_is_rejected() {
    // The top level counts as the first one.
    let flow = |depth: usize| format!("a: {}{}\n", "[".repeat(depth - 1), "]".repeat(depth - 1));
    let block = |depth: usize| {
        (0..depth).fold(String::new(), |text, level| text + &" ".repeat(level) + "a:\n")
    };
    for text in [flow(32), block(32)] {
        good(&[], &text);
    }
    for text in [flow(33), block(33), flow(5000), block(1000)] {
        check_problem(&[], &text, &["more than 32 levels deep"]);
    }
}

#[test]
fn invalid_file_is_rejected_without_being_quoted() {
    for (text, part) in [
        ("a: 1\n---\nb: 2\n", "more than one document"),
        ("a: *SECRET\n", "alias of an undefined anchor"),
        ("a: &x [*x]\n", "alias within its own anchor"),
        ("a: [SECRET\n", "invalid YAML"),
        ("a: \"SECRET\nb: SECRET", "invalid YAML"),
        ("a: SECRET: SECRET\n", "invalid YAML"),
        ("a: !!int SECRET\n", "invalid YAML"),
        ("a: %SECRET\n", "invalid YAML"),
        ("a: 'SECRET'SECRET\n", "invalid YAML"),
        ("%SECRET SECRET\n---\n%SECRET\n", "invalid YAML"),
        ("a: \"\\q SECRET\"\n", "invalid YAML"),
    ] {
        check_problem(&[], &text.replace("SECRET", SECRET), &["config.yaml:", part, "(column"]);
    }
}

#[test]
fn invalid_file_does_not_hide_other_problems() {
    let lines = bad(&[("KM_DEADLINE", "0"), ("KM_FALLBACK", "x")], "a: [\n");
    assert_eq!(lines.len(), 3, "{lines:?}");
}

#[test]
fn file_name_is_reported_on_one_line() {
    let yaml = km_settings::Yaml::new("a\nb", "[");
    let sources = km_settings::Sources {
        env: &crate::common::env(&[("HCP_VAULT_TOKEN", "t")]),
        yaml: Some(yaml),
        validator: &crate::common::Strict,
    };
    let problems = km_settings::Settings::from_sources(&sources).unwrap_err();
    assert!(problems.to_string().starts_with("a b:1: "), "{problems}");
    assert!(!format!("{sources:?}").contains('['), "the text of the file is shown");
}
