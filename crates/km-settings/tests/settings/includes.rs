//! Included files, merged like LiteLLM does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use km_settings::{IncludeError, Includes, Problems, Settings, Sources, Yaml};
use zeroize::Zeroizing;

use crate::common::{Strict, env, warnings};

/// Files in memory that record which of them were read.
#[derive(Default)]
struct Files {
    texts: BTreeMap<PathBuf, String>,
    read: Mutex<Vec<String>>,
}

impl Includes for Files {
    fn read(&self, path: &Path, limit: usize) -> Result<Zeroizing<String>, IncludeError> {
        self.read.lock().unwrap().push(path.display().to_string());
        let text = self.texts.get(path).ok_or(IncludeError::NotFound)?;
        if text.len() > limit {
            return Err(IncludeError::TooLarge);
        }
        Ok(Zeroizing::new(text.clone()))
    }
}

fn files(texts: &[(&str, &str)]) -> Files {
    let texts = texts.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned()));
    Files { texts: texts.collect(), ..Files::default() }
}

fn read(root: &str, text: &str, files: &Files) -> Result<Settings, Problems> {
    let env = env(&[("HCP_VAULT_TOKEN", "t")]);
    let yaml = Some(Yaml::new(root, text).with_includes(files));
    Settings::from_sources(&Sources { env: &env, yaml, validator: &Strict })
}

/// Returns the references in a configuration that must be valid.
fn references(root: &str, text: &str, texts: &[(&str, &str)]) -> String {
    match read(root, text, &files(texts)) {
        Ok(settings) => settings.references.join(" "),
        Err(problems) => panic!("{text}: {problems}"),
    }
}

/// Asserts that there is exactly one problem, and that its message begins with `expected`.
fn check_problem(text: &str, texts: &[(&str, &str)], expected: &str) {
    let problems = read("dir/config.yaml", text, &files(texts)).unwrap_err();
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert!(lines.len() == 1 && lines[0].starts_with(expected), "{expected}: {lines:?}");
}

#[test]
fn lists_are_appended_and_other_values_are_replaced() {
    let root = "
include: [a.yaml]
model_list: [os.environ/ROOT_MODEL]
litellm_settings: {x: os.environ/ROOT_SETTING}
general_settings: {master_key: os.environ/ROOT_MASTER}
callbacks: os.environ/ROOT_TEXT
";
    let included = "
model_list: [os.environ/MODEL]
litellm_settings: {y: os.environ/SETTING}
general_settings: {}
callbacks: [os.environ/LIST]
more: os.environ/MORE
";
    let expected = "ROOT_MODEL MODEL SETTING LIST MORE";
    assert_eq!(references("config.yaml", root, &[("a.yaml", included)]), expected);
}

#[test]
fn files_are_read_breadth_first_and_once() {
    let files = files(&[
        ("dir/a.yaml", "include: [sub/c.yaml, b.yaml, config.yaml]\nx: os.environ/A"),
        ("dir/b.yaml", "include: [a.yaml]\nx: os.environ/B"),
        ("dir/sub/c.yaml", "include: [../d.yaml, ./../b.yaml]\nx: os.environ/C"),
        ("dir/d.yaml", "y: os.environ/D"),
    ]);
    let settings = read("dir/config.yaml", "include: [a.yaml, b.yaml]", &files).unwrap();
    assert_eq!(settings.references, ["C", "D"]);
    let expected = ["dir/a.yaml", "dir/b.yaml", "dir/sub/c.yaml", "dir/d.yaml"];
    assert_eq!(*files.read.lock().unwrap(), expected);
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
}

#[test]
fn file_found_next_to_the_root_only_causes_warning() {
    let texts = [("a/b.yaml", "include: [c.yaml]"), ("c.yaml", "x: os.environ/C")];
    let settings = read("config.yaml", "include: [a/b.yaml]", &files(&texts)).unwrap();
    assert_eq!(settings.references, ["C"]);
    let lines = warnings(&settings);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let expected = "a/b.yaml:1: include: `c.yaml` was only found next to the root file";
    assert!(lines[0].starts_with(expected), "{lines:?}");
}

#[test]
fn included_path_is_relative_to_the_declaring_file_or_absolute() {
    for (root, entry, path) in [
        ("config.yaml", "a.yaml", "a.yaml"),
        ("config.yaml", "../a.yaml", "../a.yaml"),
        ("../config.yaml", "../a.yaml", "../../a.yaml"),
        ("/etc/km/config.yaml", "../../../a.yaml", "/a.yaml"),
        ("dir/config.yaml", "/etc/a.yaml", "/etc/a.yaml"),
    ] {
        let text = format!("include: [{entry}]");
        assert_eq!(references(root, &text, &[(path, "x: os.environ/A")]), "A", "{root} {entry}");
    }
}

#[test]
fn last_general_settings_are_used() {
    let root = "
include: [a.yaml]
general_settings: {key_management_settings: {access_mode: write_only, km: {deadline: 1s}}}
";
    let included = "\n\ngeneral_settings:\n  key_management_settings:\n    km: {deadline: bad}\n";
    let problems = read("config.yaml", root, &files(&[("a.yaml", included)])).unwrap_err();
    assert!(problems.to_string().starts_with("a.yaml:5: general_settings"), "{problems}");

    let included = included.replace("bad", "2s");
    let settings = read("config.yaml", root, &files(&[("a.yaml", &included)])).unwrap();
    assert!(settings.access_mode.reads());
    assert_eq!(settings.server.deadline, std::time::Duration::from_secs(2));
    let lines = warnings(&settings);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("km: is set in an included file"), "{lines:?}");
    assert!(lines[1].starts_with("a.yaml:3: general_settings: replaces the one in config.yaml"));
}

#[test]
fn include_that_is_not_a_list_of_texts_is_rejected() {
    for (value, kind) in [
        ("a.yaml", "text"),
        ("", "nothing"),
        ("{a: b}", "a mapping"),
        ("[1]", "a number"),
        ("[[a.yaml]]", "a list"),
    ] {
        let text = format!("include: {value}");
        let expected =
            format!("dir/config.yaml:1: include: must be a list of file names, not {kind}");
        check_problem(&text, &[], &expected);
    }
    assert_eq!(references("config.yaml", "include: []", &[]), "");
}

#[test]
fn problem_in_an_included_file_names_file_and_line() {
    let text = "x: 1\ninclude:\n  - a.yaml\n";
    check_problem(text, &[], "dir/config.yaml:3: include: cannot include `a.yaml`: not found");
    for (included, expected) in [
        ("x:\n  - [", "dir/a.yaml:2: invalid YAML"),
        ("- a", "dir/a.yaml:1: the file is not a mapping"),
        ("include: [b.yaml]", "dir/a.yaml:1: include: cannot include `b.yaml`: not found"),
        ("general_settings: []", "dir/a.yaml:1: general_settings: must be a mapping, not a list"),
    ] {
        check_problem(text, &[("dir/a.yaml", included)], expected);
    }
}

#[test]
fn problems_of_several_files_are_reported_together() {
    let root = "include: [a.yaml, b.yaml, c.yaml]\ngeneral_settings: 1";
    let texts = [("a.yaml", "["), ("b.yaml", "include: 5")];
    let problems = read("config.yaml", root, &files(&texts)).unwrap_err();
    assert_eq!(problems.iter().count(), 4, "{problems}");
}

#[test]
fn files_beyond_the_total_size_or_number_are_rejected() {
    let half = format!("x: {}", "y".repeat(512 * 1024));
    let texts = [("dir/a.yaml", half.as_str()), ("dir/b.yaml", &half)];
    let text = "include: [a.yaml, b.yaml]";
    let expected =
        "dir/config.yaml:1: include: cannot include `b.yaml`: all files together are larger";
    check_problem(text, &texts, expected);

    let chain = |count: usize| -> Vec<(String, String)> {
        let file = |index| (format!("dir/{index}.yaml"), format!("include: [{}.yaml]", index + 1));
        let last = (format!("dir/{count}.yaml"), "x: os.environ/LAST".to_owned());
        (1..count).map(file).chain([last]).collect()
    };
    let texts = chain(64);
    let texts: Vec<_> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let expected = "dir/63.yaml:1: include: more than 64 files are included";
    check_problem("include: [1.yaml]", &texts, expected);
    let texts = chain(63);
    let texts: Vec<_> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    assert_eq!(references("dir/config.yaml", "include: [1.yaml]", &texts), "LAST");
}

#[test]
fn configuration_without_a_reader_includes_nothing() {
    let env = env(&[("HCP_VAULT_TOKEN", "t")]);
    let yaml = Some(Yaml::new("config.yaml", "include: [a.yaml]"));
    let problems =
        Settings::from_sources(&Sources { env: &env, yaml, validator: &Strict }).unwrap_err();
    let expected =
        "config.yaml:1: include: cannot include `a.yaml`: included files are not supported";
    assert!(problems.to_string().starts_with(expected), "{problems}");
}
