//! Patterns for the locations that team settings may name.

use std::fmt;

use crate::text::sanitize;
use crate::validator::Validator;

/// A pattern `namespace/mount[:prefix]` for locations. `/kv` is the mount `kv` in the root
/// namespace, and `*` matches any characters within a segment.
///
/// Namespace and mount are compared as one path, because that is how they reach Vault: the mount
/// `team/kv` in the root namespace and the mount `kv` in the namespace `team` are the same request.
/// The last `:` separates the prefix, which allows itself and every path prefix below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocationPattern {
    segments: Vec<String>,
    prefix: Option<Vec<String>>,
}

impl LocationPattern {
    /// Parses a pattern.
    ///
    /// # Errors
    ///
    /// Returns what is wrong, as a fragment.
    pub(crate) fn parse(text: &str, validator: &dyn Validator) -> Result<Self, String> {
        let (path, prefix) = match text.trim().rsplit_once(':') {
            Some((path, prefix)) => (path.trim_end(), Some(prefix)),
            None => (text.trim(), None),
        };
        if !path.contains('/') {
            return Err("the namespace is missing".to_owned());
        }
        let segments = split(path.strip_prefix('/').unwrap_or(path), validator)?;
        let prefix = prefix.map(|text| sanitize(text).ok_or("the prefix after `:` is empty"));
        let prefix = prefix.transpose()?.map(|prefix| split(&prefix, validator)).transpose()?;
        Ok(Self { segments, prefix })
    }

    /// Returns whether the pattern matches a mount, whatever the path prefix is. A namespace of
    /// `None` is the root namespace.
    pub fn matches_mount(&self, namespace: Option<&str>, mount: &str) -> bool {
        let path = mount_segments(namespace, mount);
        path.len() == self.segments.len() && begins_with(&path, &self.segments)
    }

    /// Returns whether a path prefix is the pattern's prefix or below it; `None` if the pattern has
    /// no prefix.
    pub fn matches_prefix(&self, path_prefix: Option<&str>) -> Option<bool> {
        let prefix = self.prefix.as_ref()?;
        let segments: Vec<_> = path_prefix.into_iter().flat_map(|text| text.split('/')).collect();
        Some(begins_with(&segments, prefix))
    }

    /// Returns the segments of the namespace and the mount.
    pub fn mount(&self) -> &[String] {
        &self.segments
    }

    /// Returns the segments of the prefix; `None` if the pattern has no prefix.
    pub fn prefix(&self) -> Option<&[String]> {
        self.prefix.as_deref()
    }
}

/// Splits a namespace and a mount, as one path, into segments.
pub(super) fn mount_segments<'a>(namespace: Option<&'a str>, mount: &'a str) -> Vec<&'a str> {
    let parts = namespace.into_iter().chain([mount]).flat_map(|part| part.split('/'));
    parts.filter(|segment| !segment.is_empty()).collect()
}

/// Validates a path with wildcards and splits it into segments.
fn split(path: &str, validator: &dyn Validator) -> Result<Vec<String>, String> {
    // A letter in place of each star shows whether the rest of the path is valid. What a star
    // matches is validated as part of the location.
    validator.path(&path.replace('*', "x"))?;
    Ok(path.split('/').map(str::to_owned).collect())
}

fn begins_with(segments: &[&str], pattern: &[String]) -> bool {
    segments.len() >= pattern.len()
        && pattern.iter().zip(segments).all(|(pattern, segment)| matches(pattern, segment))
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

/// Returns whether a segment matches a pattern. The leftmost match of each piece between stars is
/// sufficient, because it leaves the most text for the pieces after it.
fn matches(pattern: &str, text: &str) -> bool {
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
    fn star_matches_any_characters_of_a_segment() {
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
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
