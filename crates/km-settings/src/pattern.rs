//! Patterns for the places that teams may name.

use std::fmt;

use crate::rules::Rules;

/// `namespace/mount`, with `*` for any characters within a segment. `/kv` is the mount `kv` at the
/// root.
///
/// Namespace and mount are compared as one path, for that is how they reach Vault: the mount
/// `team/kv` at the root and the mount `kv` in the namespace `team` are the same request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocationPattern {
    segments: Vec<String>,
}

impl LocationPattern {
    /// `text` as a pattern.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn parse(text: &str, rules: &dyn Rules) -> Result<Self, String> {
        let text = text.trim();
        if !text.contains('/') {
            return Err("names no namespace".to_owned());
        }
        let path = text.strip_prefix('/').unwrap_or(text);
        // What a star may stand for is judged when it does; here any letter shows the shape.
        rules.path(&path.replace('*', "x"))?;
        Ok(Self { segments: path.split('/').map(str::to_owned).collect() })
    }

    /// Whether this place is one of the pattern's. No namespace is the root.
    pub fn matches(&self, namespace: Option<&str>, mount: &str) -> bool {
        let place: Vec<_> = namespace
            .into_iter()
            .chain([mount])
            .flat_map(|part| part.split('/'))
            .filter(|segment| !segment.is_empty())
            .collect();
        place.len() == self.segments.len()
            && self.segments.iter().zip(place).all(|(pattern, segment)| fits(pattern, segment))
    }
}

impl fmt::Display for LocationPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = if self.segments.len() == 1 { "/" } else { "" };
        write!(formatter, "{root}{}", self.segments.join("/"))
    }
}

/// Whether `text` is `pattern` with something for each star. The pieces between stars are taken
/// leftmost: where any choice fits, that one does.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for piece in middle.split('*').filter(|piece| !piece.is_empty()) {
        let Some((_, after)) = text.split_once(piece) else {
            return false;
        };
        text = after;
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_characters_of_a_segment() {
        for (pattern, text, expected) in [
            ("kv", "kv", true),
            ("kv", "kv2", false),
            ("*", "anything", true),
            ("kv-*", "kv-prod", true),
            ("kv-*", "kv-", true),
            ("kv-*", "k", false),
            ("*-prod", "kv-prod", true),
            ("*-prod", "kv-prod2", false),
            ("a*c*e", "abcde", true),
            ("a*c*e", "ae", false),
            ("a*a", "a", false),
            ("a**b", "ab", true),
            ("*a*a*", "aXa", true),
            ("*ab*b", "ab", false),
            ("*ab*b", "abb", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
