//! The names of tests that pages quote.
//!
//! A code span such as `socket_in_use_is_not_replaced` must occur in the sources, so that a page cannot quote
//! a test that was renamed or removed. A span that ends with `_…` must be the beginning of such a word.

use std::collections::BTreeSet;

/// The number of words from which a lower-case name is taken for a test's.
const WORDS: usize = 4;

/// The words of all sources that look like the names of tests.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Adds the words of a source.
    pub(super) fn add(&mut self, source: &str) {
        let words = source.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        self.0.extend(words.filter(|word| looks_like_a_test(word)).map(str::to_owned));
    }

    /// Returns whether a code span is the name of a test that does not occur.
    pub(super) fn is_unknown(&self, span: &str) -> bool {
        let name = span.rsplit("::").next().unwrap_or(span);
        match name.strip_suffix("_…") {
            Some(head) if looks_like_a_test(head) => {
                let next = self.0.range(head.to_owned()..).next();
                next.is_none_or(|known| !known.starts_with(head))
            }
            _ => looks_like_a_test(name) && !self.0.contains(name),
        }
    }
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
        let mut names = Names::default();
        names.add(source);
        for (span, is_unknown) in [
            ("socket_in_use_is_kept", false),
            ("serve::socket::socket_in_use_is_kept", false),
            ("socket_in_use_…", false),
            ("socket_in_use_is_…", false),
            ("socket_in_use_is_replaced", true),
            ("x::socket_in_use_was_…", true),
            ("max_stale", false),
            ("KM_MAX_STALE_TOO_LONG_NAME", false),
            ("GET /a_b_c_d", false),
        ] {
            assert_eq!(names.is_unknown(span), is_unknown, "{span}");
        }
    }
}
