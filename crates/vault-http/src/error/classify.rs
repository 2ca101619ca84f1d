//! From the status and the texts of an answer to a [`ErrorKind`]: the one place that knows Vault's words.
//!
//! The words are those of Vault 1.21; what OpenBao says alike is covered by the status alone.

use http::StatusCode;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::error::kind::ErrorKind;

/// What an answer has beside its data.
#[derive(Deserialize)]
struct Notes {
    errors: Option<Vec<String>>,
    warnings: Option<Vec<String>>,
    data: Option<IgnoredAny>,
}

impl Notes {
    fn has_warning(&self, part: &str) -> bool {
        self.warnings.iter().flatten().any(|text| text.contains(part))
    }
}

/// The kind of the error in an answer, or `None` when it is to be read.
///
/// A 404 without `errors` is an answer only to a request that takes `not_found_data`, and only with
/// data: a gateway's 404 says nothing about what Vault stores.
pub(crate) fn classify(status: StatusCode, body: &[u8], not_found_data: bool) -> Option<ErrorKind> {
    if status.is_success() {
        return None;
    }
    if status.is_redirection() {
        return Some(ErrorKind::Redirected);
    }
    let Ok(notes) = serde_json::from_slice::<Notes>(body) else {
        return Some(foreign(status));
    };
    if notes.errors.is_none() && status.is_client_error() {
        let warned = notes.has_warning("Invalid path for a versioned K/V");
        return match status.as_u16() {
            404 if warned => Some(ErrorKind::NoMount),
            404 if not_found_data && notes.data.is_some() => None,
            _ => Some(foreign(status)),
        };
    }
    let texts = Texts(notes.errors.as_deref().unwrap_or_default());
    match status.as_u16() {
        400 => Some(bad_request(&texts)),
        403 => Some(forbidden(&texts)),
        404 => Some(not_found(&texts)),
        412 => Some(ErrorKind::ReplicationLag),
        413 => Some(ErrorKind::TooLarge),
        429 => Some(ErrorKind::RateLimited),
        472 | 473 => Some(ErrorKind::NoLeader),
        500 => Some(internal(&texts)),
        503 => Some(unavailable(&texts)),
        code if code >= 500 => Some(ErrorKind::Server),
        _ => Some(ErrorKind::Rejected),
    }
}

struct Texts<'a>(&'a [String]);

impl Texts<'_> {
    fn has(&self, part: &str) -> bool {
        self.0.iter().any(|text| text.contains(part))
    }
}

fn bad_request(texts: &Texts<'_>) -> ErrorKind {
    if texts.has("check-and-set parameter did not match") {
        ErrorKind::CasMismatch
    } else if texts.has("check-and-set parameter required") {
        ErrorKind::CasRequired
    } else if texts.has("Upgrading from non-versioned") {
        ErrorKind::Upgrading
    } else {
        ErrorKind::Rejected
    }
}

fn forbidden(texts: &Texts<'_>) -> ErrorKind {
    if texts.has("invalid token") {
        ErrorKind::TokenInvalid
    } else if texts.has("1 error occurred") || texts.has("preflight capability check") {
        ErrorKind::Denied
    } else {
        ErrorKind::Forbidden
    }
}

/// The kind of an answer that is not Vault's, but a gateway's or a load balancer's: its 5xx and its
/// 429 say as much as Vault's, its other 4xx say nothing.
fn foreign(status: StatusCode) -> ErrorKind {
    match status {
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
        _ if status.is_server_error() => ErrorKind::Server,
        _ => ErrorKind::Malformed,
    }
}

fn not_found(texts: &Texts<'_>) -> ErrorKind {
    if texts.0.is_empty() {
        ErrorKind::NotFound
    } else if texts.has("no handler for route") {
        ErrorKind::NoMount
    } else if texts.has("namespace not found") {
        ErrorKind::NoNamespace
    } else {
        ErrorKind::Rejected
    }
}

fn internal(texts: &Texts<'_>) -> ErrorKind {
    if texts.has("active cluster node not found") {
        ErrorKind::NoLeader
    } else if texts.has("value being too large") {
        ErrorKind::TooLarge
    } else if ["exceeds allowed", "malformed JSON", "duplicate key"].iter().any(|t| texts.has(t)) {
        ErrorKind::Rejected
    } else {
        ErrorKind::Server
    }
}

fn unavailable(texts: &Texts<'_>) -> ErrorKind {
    if texts.has("locked") {
        ErrorKind::NamespaceLocked
    } else if texts.has("sealed") || texts.has("not initialized") {
        ErrorKind::Sealed
    } else {
        ErrorKind::Server
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expected: Option<ErrorKind>) {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(classify(status, body.as_bytes(), true), expected, "{status} {body}");
    }

    fn errors(status: u16, text: &str, expected: ErrorKind) {
        let body = serde_json::json!({ "errors": [text] }).to_string();
        check(status, &body, Some(expected));
    }

    #[test]
    fn answers_to_be_read() {
        check(200, "not looked at here", None);
        check(204, "", None);
        check(404, r#"{"data":{"data":null,"metadata":{"version":1}}}"#, None);
    }

    #[test]
    fn absent() {
        check(404, r#"{"errors":[]}"#, Some(ErrorKind::NotFound));
        errors(
            404,
            "no handler for route \"x/data/a\". route entry not found.",
            ErrorKind::NoMount,
        );
        errors(404, "namespace not found", ErrorKind::NoNamespace);
        let warned =
            r#"{"data":null,"warnings":["Invalid path for a versioned K/V secrets engine."]}"#;
        check(404, warned, Some(ErrorKind::NoMount));
    }

    #[test]
    fn refused() {
        errors(
            403,
            "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n",
            ErrorKind::TokenInvalid,
        );
        errors(403, "1 error occurred:\n\t* permission denied\n\n", ErrorKind::Denied);
        errors(403, "preflight capability check returned 403, please ensure", ErrorKind::Denied);
        errors(403, "permission denied", ErrorKind::Forbidden);
        errors(
            503,
            "API access to this namespace has been locked by an administrator",
            ErrorKind::NamespaceLocked,
        );
    }

    #[test]
    fn wrong_request() {
        errors(
            400,
            "check-and-set parameter did not match the current version",
            ErrorKind::CasMismatch,
        );
        errors(400, "check-and-set parameter required for this call", ErrorKind::CasRequired);
        errors(400, "Upgrading from non-versioned to versioned data.", ErrorKind::Upgrading);
        errors(400, "invalid role or secret ID", ErrorKind::Rejected);
        errors(405, "unsupported operation", ErrorKind::Rejected);
        errors(413, "request body too large", ErrorKind::TooLarge);
        errors(
            500,
            "put failed due to value being too large; got 1048720 bytes, max: 1048576 bytes",
            ErrorKind::TooLarge,
        );
        errors(500, "failed to parse JSON input: JSON depth exceeds allowed", ErrorKind::Rejected);
    }

    #[test]
    fn unavailable_servers() {
        errors(503, "Vault is sealed", ErrorKind::Sealed);
        errors(503, "server is not initialized", ErrorKind::Sealed);
        errors(500, "local node not active but active cluster node not found", ErrorKind::NoLeader);
        errors(500, "leadership lost while committing log", ErrorKind::Server);
        errors(412, "required index state not present", ErrorKind::ReplicationLag);
        errors(429, "request path \"x\": rate limit quota exceeded", ErrorKind::RateLimited);
        errors(502, "bad gateway", ErrorKind::Server);
    }

    #[test]
    fn answers_of_somebody_else() {
        let gateway = r#"{"message":"no Route matched"}"#;
        for status in [400, 403, 404, 405] {
            check(status, gateway, Some(ErrorKind::Malformed));
            check(status, r#"{"message":"x","data":null}"#, Some(ErrorKind::Malformed));
        }
        check(429, gateway, Some(ErrorKind::RateLimited));
        check(502, gateway, Some(ErrorKind::Server));
        let data = br#"{"data":{"data":null,"metadata":{"version":1}}}"#;
        assert_eq!(classify(StatusCode::NOT_FOUND, data, false), Some(ErrorKind::Malformed));
        check(404, "<html>not found</html>", Some(ErrorKind::Malformed));
        check(403, "", Some(ErrorKind::Malformed));
        check(502, "<html>bad gateway</html>", Some(ErrorKind::Server));
        check(307, "", Some(ErrorKind::Redirected));
    }
}
