//! The documents of `POST /km/v1/refresh`, which `km refresh` and `km serve` exchange.

use serde::{Deserialize, Serialize};

use crate::error::ErrorBody;

/// The path of the request.
pub(crate) const PATH: &str = "/km/v1/refresh";

/// The names to refresh.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshRequest {
    /// `None` is not the same as an empty list: it means all provider secrets in memory.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) names: Option<Vec<String>>,
}

/// The outcomes, in the order of the names.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RefreshResponse {
    pub(crate) names: Vec<RefreshedName>,
}

/// The outcome for one name.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RefreshedName {
    pub(crate) name: String,
    pub(crate) version_before: Option<u64>,
    pub(crate) version_after: Option<u64>,
    pub(crate) error: Option<ErrorBody>,
}

/// Deserializes a list of names. `null` is not one.
fn present<'de, D: serde::Deserializer<'de>>(names: D) -> Result<Option<Vec<String>>, D::Error> {
    Vec::deserialize(names).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_an_object_with_a_list_of_names_or_nothing() {
        let check = |text: &str, expected: Option<Option<usize>>| {
            let request = serde_json::from_str::<RefreshRequest>(text).ok();
            let count = request.map(|request| request.names.map(|names| names.len()));
            assert_eq!(count, expected, "{text}");
        };
        check("{}", Some(None));
        check(r#"{"names":[]}"#, Some(Some(0)));
        check(r#"{"names":["A","B","A"]}"#, Some(Some(3)));
        for invalid in [
            "",
            "null",
            r#"["A"]"#,
            r#""A""#,
            r#"{"names":null}"#,
            r#"{"names":"A"}"#,
            r#"{"names":[1]}"#,
            r#"{"names":[null]}"#,
            r#"{"names":{"A":1}}"#,
            r#"{"name":"A"}"#,
            r#"{"names":["A"],"all":true}"#,
            r#"{"names":["A"],"names":["B"]}"#,
            r#"{"names":["A"]} {}"#,
            r#"{"names":["A""#,
        ] {
            check(invalid, None);
        }
    }
}
