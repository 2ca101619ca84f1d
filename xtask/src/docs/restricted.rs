//! The tests that run on one flavor of the server only.
//!
//! A test that calls `skips_unless` must be listed in `docs/openbao.md`, so that none is skipped without
//! a reason that readers can find.

use std::collections::BTreeSet;

/// The page that lists them.
pub(super) const PAGE: &str = "docs/openbao.md";
const CALL: &str = ".skips_unless(";

/// Returns the names of the functions in a source that call `skips_unless`.
pub(super) fn tests(source: &str) -> BTreeSet<String> {
    let (mut function, mut found) = ("", BTreeSet::new());
    for line in source.lines().map(str::trim_start) {
        if let Some((_, rest)) = line.split_once("fn ").filter(|_| !line.starts_with("//")) {
            function =
                rest.split(|c: char| c != '_' && !c.is_ascii_alphanumeric()).next().unwrap_or("");
        }
        if line.contains(CALL) && !function.is_empty() {
            found.insert(function.to_owned());
        }
    }
    found
}

/// Describes the tests that the page's code spans do not list.
pub(super) fn problems(tests: &BTreeSet<String>, listed: &[String]) -> Vec<String> {
    let unlisted = tests.iter().filter(|test| !listed.contains(test));
    unlisted.map(|test| format!("{PAGE}: {test} is skipped on a flavor and not listed")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restricted_test_that_the_page_does_not_list_is_a_problem() {
        let call = CALL.to_owned() + "Flavor::OpenBao) {";
        let source = format!(
            "async fn one_is_restricted() {{\n  if server{call}\n}}\n\
             fn two_is_not() {{}}\npub(crate) async fn three_is() -> Result<()> {{\n if s{call}"
        );
        let restricted = tests(&source);
        assert_eq!(restricted.iter().collect::<Vec<_>>(), ["one_is_restricted", "three_is"]);
        let listed = ["one_is_restricted".to_owned()];
        let problems = problems(&restricted, &listed);
        assert!(problems.len() == 1 && problems[0].contains("three_is"), "{problems:?}");
    }
}
