//! How much of a file is read, and that nothing of it is quoted when it can't be.

use std::fmt::Write as _;

use crate::common::{SECRET, bad, check_problem, good};

#[test]
fn a_file_has_at_most_one_mebibyte() {
    let text = |length: usize| format!("a: {}\n", "x".repeat(length - 4));
    good(&[], &text(1024 * 1024));
    check_problem(&[], &text(1024 * 1024 + 1), &["config.yaml:1: the file is larger than 1 MiB"]);
}

#[test]
fn many_values_in_a_file_are_fine() {
    good(&[], &format!("a: [{}]\n", "1,".repeat(300_000)));
}

fn aliases(count: usize) -> String {
    let mut text = "anchor: &anchor [1]\nuses:\n".to_owned();
    for _ in 0..count {
        text.push_str("  - *anchor\n");
    }
    text
}

#[test]
fn a_hundred_aliases_are_unfolded() {
    good(&[], &aliases(100));
    check_problem(&[], &aliases(101), &["more than 100 aliases"]);
}

#[test]
fn aliases_of_aliases_do_not_explode() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let uses = format!("*a{}, ", level - 1).repeat(9);
        writeln!(text, "a{level}: &a{level} [{uses}]").unwrap();
    }
    check_problem(&[], &text, &["aliases unfold to more than is read"]);
}

#[test]
fn nesting_ends_at_32() {
    // The top level is the first one.
    let flow = |depth: usize| format!("a: {}{}\n", "[".repeat(depth - 1), "]".repeat(depth - 1));
    let block = |depth: usize| {
        (0..depth).fold(String::new(), |text, level| text + &" ".repeat(level) + "a:\n")
    };
    for text in [flow(32), block(32)] {
        good(&[], &text);
    }
    for text in [flow(33), block(33), flow(5000), block(1000)] {
        check_problem(&[], &text, &["deeper than 32"]);
    }
}

#[test]
fn broken_files_are_refused_without_quoting_them() {
    for (text, part) in [
        ("a: 1\na: 2\n", "config.yaml:2: a key stands twice"),
        ("a: {SECRET: 1, SECRET: 2}\n", "config.yaml:1: a key stands twice"),
        ("a: 1\n---\nb: 2\n", "a second document begins"),
        ("a: *SECRET\n", "an alias names no anchor"),
        ("a: &x [*x]\n", "an alias stands inside its own anchor"),
        ("a:\n  <<: SECRET\n", "`<<` merges something that is no mapping"),
        ("a: [SECRET\n", "no valid YAML"),
        ("a: \"SECRET\nb: SECRET", "no valid YAML"),
        ("a: SECRET: SECRET\n", "no valid YAML"),
        ("a: !!int SECRET\n", "no valid YAML"),
        ("a: %SECRET\n", "no valid YAML"),
        ("a: 'SECRET'SECRET\n", "no valid YAML"),
        ("%SECRET SECRET\n---\n%SECRET\n", "no valid YAML"),
        ("a: \"\\q SECRET\"\n", "no valid YAML"),
    ] {
        check_problem(&[], &text.replace("SECRET", SECRET), &["config.yaml:", part, "(column"]);
    }
}

#[test]
fn a_broken_file_hides_no_other_problem() {
    let lines = bad(&[("KM_DEADLINE", "0"), ("KM_FALLBACK", "x")], "a: [\n");
    assert_eq!(lines.len(), 3, "{lines:?}");
}

#[test]
fn a_file_name_stays_on_one_line() {
    let yaml = km_settings::Yaml { file: "a\nb", text: "[" };
    let sources = km_settings::Sources {
        env: &crate::common::env(&[("HCP_VAULT_TOKEN", "t")]),
        yaml: Some(yaml),
        rules: &crate::common::Strict,
    };
    let problems = km_settings::Settings::from_sources(&sources).unwrap_err();
    assert!(problems.to_string().starts_with("a b:1: "), "{problems}");
    assert!(!format!("{sources:?}").contains('['), "the file's text is shown");
}
