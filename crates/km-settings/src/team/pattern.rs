//! Patterns for the places that teams may name.

use std::fmt;

use crate::text::sanitise;
use crate::validator::Validator;

/// `namespace/mount[:prefix]`, with `*` for any characters within a segment. `/kv` is the mount
/// `kv` at the root.
///
/// Namespace and mount are compared as one path, for that is how they reach Vault: the mount
/// `team/kv` at the root and the mount `kv` in the namespace `team` are the same request. The last
/// `:` separates the prefix, which allows itself and every path prefix below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocationPattern {
    segments: Vec<String>,
    prefix: Option<Vec<String>>,
}

impl LocationPattern {
    /// `text` as a pattern.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn parse(text: &str, rules: &dyn Validator) -> Result<Self, String> {
        let (place, prefix) = match text.trim().rsplit_once(':') {
            Some((place, prefix)) => (place.trim_end(), Some(prefix)),
            None => (text.trim(), None),
        };
        if !place.contains('/') {
            return Err("names no namespace".to_owned());
        }
        let segments = segments(place.strip_prefix('/').unwrap_or(place), rules)?;
        let prefix = prefix.map(|text| sanitise(text).ok_or("the prefix after `:` is empty"));
        let prefix =
            prefix.transpose()?.map(|prefix| self::segments(&prefix, rules)).transpose()?;
        Ok(Self { segments, prefix })
    }

    /// Whether the mount is one of the pattern's, whatever the path prefix. No namespace is the
    /// root.
    pub fn matches_mount(&self, namespace: Option<&str>, mount: &str) -> bool {
        let place = mount_segments(namespace, mount);
        place.len() == self.segments.len() && begins_with(&place, &self.segments)
    }

    /// Whether a path prefix is the pattern's or below it; `None` where the pattern leaves the
    /// prefix free.
    pub fn matches_prefix(&self, path_prefix: Option<&str>) -> Option<bool> {
        let prefix = self.prefix.as_ref()?;
        let segments: Vec<_> = path_prefix.into_iter().flat_map(|text| text.split('/')).collect();
        Some(begins_with(&segments, prefix))
    }

    /// The segments of namespace and mount.
    pub fn mount(&self) -> &[String] {
        &self.segments
    }

    /// The segments of the prefix; `None` where the pattern leaves it free.
    pub fn prefix(&self) -> Option<&[String]> {
        self.prefix.as_deref()
    }
}

/// Namespace and mount as one path.
pub(crate) fn mount_segments<'a>(namespace: Option<&'a str>, mount: &'a str) -> Vec<&'a str> {
    let parts = namespace.into_iter().chain([mount]).flat_map(|part| part.split('/'));
    parts.filter(|segment| !segment.is_empty()).collect()
}

/// The segments of `path`, each of which the rules accept.
fn segments(path: &str, rules: &dyn Validator) -> Result<Vec<String>, String> {
    // What a star may stand for is judged when it does; here any letter shows the shape.
    rules.path(&path.replace('*', "x"))?;
    Ok(path.split('/').map(str::to_owned).collect())
}

fn begins_with(segments: &[&str], pattern: &[String]) -> bool {
    segments.len() >= pattern.len()
        && pattern.iter().zip(segments).all(|(pattern, segment)| fits(pattern, segment))
}

impl fmt::Display for LocationPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = if self.segments.len() == 1 { "/" } else { "" };
        write!(formatter, "{root}{}", self.segments.join("/"))?;
        match &self.prefix {
            Some(prefix) => write!(formatter, ":{}", prefix.join("/")),
            None => Ok(()),
        }
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
