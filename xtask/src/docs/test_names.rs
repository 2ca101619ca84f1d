//! The names of tests that pages quote.
//!
//! A code span such as `socket_in_use_is_not_replaced` must occur in the sources, so that a page cannot quote
//! a test that was renamed or removed. A span that ends with `_…` must be the beginning of such a word.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use pulldown_cmark::{Event, Parser};

/// The number of words from which a lower-case name is taken for a test's.
const WORDS: usize = 4;

/// The words of all sources that look like the names of tests.
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Reads the Rust and Python sources below `root`.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(super) fn read(root: &Path, skipped: impl Fn(&str) -> bool + Copy) -> Result<Self> {
        let mut names = BTreeSet::new();
        collect(root, skipped, &mut names)?;
        Ok(Self(names))
    }

    /// Returns the quoted names in a page that do not occur.
    pub(super) fn unknown(&self, page: &str) -> Vec<String> {
        let spans = Parser::new_ext(page, pulldown_cmark::Options::ENABLE_TABLES);
        let spans = spans.filter_map(|event| match event {
            Event::Code(code) => Some(code.into_string()),
            _ => None,
        });
        spans.filter_map(|span| self.unknown_name(&span)).collect()
    }

    fn unknown_name(&self, span: &str) -> Option<String> {
        let name = span.rsplit("::").next()?;
        let (name, is_prefix) = match name.strip_suffix("_…") {
            Some(name) => (name, true),
            None => (name, false),
        };
        if !looks_like_a_test(name) {
            return None;
        }
        let is_known = if is_prefix {
            let next = self.0.range(name.to_owned()..).next();
            next.is_some_and(|known| known.starts_with(name))
        } else {
            self.0.contains(name)
        };
        (!is_known).then(|| span.to_owned())
    }
}

fn collect(
    directory: &Path,
    skipped: impl Fn(&str) -> bool + Copy,
    found: &mut BTreeSet<String>,
) -> Result<()> {
    let entries = fs::read_dir(directory);
    for entry in entries.with_context(|| format!("reading {}", directory.display()))? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type()?.is_dir() {
            if !skipped(&name.to_string_lossy()) {
                collect(&path, skipped, found)?;
            }
        } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "py") {
            let text = fs::read_to_string(&path);
            found.extend(names(&text.with_context(|| format!("reading {}", path.display()))?));
        }
    }
    Ok(())
}

/// Returns the words of a source that look like the names of tests.
fn names(source: &str) -> impl Iterator<Item = String> {
    let words = source.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| looks_like_a_test(word)).map(str::to_owned)
}

/// Whether a word could be the name of a test. It could be a metric or a setting, too.
fn looks_like_a_test(word: &str) -> bool {
    let is_lower = word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    is_lower && word.split('_').filter(|part| !part.is_empty()).count() >= WORDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_name_that_does_not_occur_is_unknown() {
        let source = "#[test]\nfn socket_in_use_is_kept() {}\nasync fn a_b_c_d_e() {}";
        let known = Names(names(source).collect());
        for (page, expected) in [
            ("`socket_in_use_is_kept`, `serve::socket::socket_in_use_is_kept`", &[][..]),
            ("`socket_in_use_…`", &[]),
            ("`socket_in_use_is_replaced`", &["socket_in_use_is_replaced"]),
            ("`x::socket_in_use_was_…`", &["x::socket_in_use_was_…"]),
            ("`max_stale`, `KM_MAX_STALE_TOO_LONG_NAME`, `GET /a_b_c_d`", &[]),
        ] {
            assert_eq!(known.unknown(page), expected, "{page}");
        }
    }
}
