//! From the status and the texts of an answer to a [`Kind`]: the one place that knows Vault's words.
//!
//! The words are those of Vault 1.21; what OpenBao says alike is covered by the status alone.

use http::StatusCode;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::kind::Kind;

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
pub(crate) fn classify(status: StatusCode, body: &[u8], not_found_data: bool) -> Option<Kind> {
    if status.is_success() {
        return None;
    }
    if status.is_redirection() {
        return Some(Kind::Redirected);
    }
    let Ok(notes) = serde_json::from_slice::<Notes>(body) else {
        return Some(foreign(status));
    };
    if notes.errors.is_none() && status.is_client_error() {
        let warned = notes.has_warning("Invalid path for a versioned K/V");
        return match status.as_u16() {
            404 if warned => Some(Kind::NoMount),
            404 if not_found_data && notes.data.is_some() => None,
            _ => Some(foreign(status)),
        };
    }
    let texts = Texts(notes.errors.as_deref().unwrap_or_default());
    match status.as_u16() {
        400 => Some(bad_request(&texts)),
        403 => Some(forbidden(&texts)),
        404 => Some(not_found(&texts)),
        412 => Some(Kind::Behind),
        413 => Some(Kind::TooLarge),
        429 => Some(Kind::RateLimited),
        472 | 473 => Some(Kind::NoLeader),
        500 => Some(internal(&texts)),
        503 => Some(unavailable(&texts)),
        code if code >= 500 => Some(Kind::Server),
        _ => Some(Kind::Rejected),
    }
}

struct Texts<'a>(&'a [String]);

impl Texts<'_> {
    fn has(&self, part: &str) -> bool {
        self.0.iter().any(|text| text.contains(part))
    }
}

fn bad_request(texts: &Texts<'_>) -> Kind {
    if texts.has("check-and-set parameter did not match") {
        Kind::CasMismatch
    } else if texts.has("check-and-set parameter required") {
        Kind::CasRequired
    } else if texts.has("Upgrading from non-versioned") {
        Kind::Upgrading
    } else {
        Kind::Rejected
    }
}

fn forbidden(texts: &Texts<'_>) -> Kind {
    if texts.has("invalid token") {
        Kind::TokenInvalid
    } else if texts.has("1 error occurred") || texts.has("preflight capability check") {
        Kind::Denied
    } else {
        Kind::Forbidden
    }
}

/// The kind of an answer that is not Vault's, but a gateway's or a load balancer's: its 5xx and its
/// 429 say as much as Vault's, its other 4xx say nothing.
fn foreign(status: StatusCode) -> Kind {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Kind::RateLimited,
        _ if status.is_server_error() => Kind::Server,
        _ => Kind::Malformed,
    }
}

fn not_found(texts: &Texts<'_>) -> Kind {
    if texts.0.is_empty() {
        Kind::NotFound
    } else if texts.has("no handler for route") {
        Kind::NoMount
    } else if texts.has("namespace not found") {
        Kind::NoNamespace
    } else {
        Kind::Rejected
    }
}

fn internal(texts: &Texts<'_>) -> Kind {
    if texts.has("active cluster node not found") {
        Kind::NoLeader
    } else if texts.has("value being too large") {
        Kind::TooLarge
    } else if ["exceeds allowed", "malformed JSON", "duplicate key"].iter().any(|t| texts.has(t)) {
        Kind::Rejected
    } else {
        Kind::Server
    }
}

fn unavailable(texts: &Texts<'_>) -> Kind {
    if texts.has("locked") {
        Kind::NamespaceLocked
    } else if texts.has("sealed") || texts.has("not initialized") {
        Kind::Sealed
    } else {
        Kind::Server
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expected: Option<Kind>) {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(classify(status, body.as_bytes(), true), expected, "{status} {body}");
    }

    fn errors(status: u16, text: &str, expected: Kind) {
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
        check(404, r#"{"errors":[]}"#, Some(Kind::NotFound));
        errors(404, "no handler for route \"x/data/a\". route entry not found.", Kind::NoMount);
        errors(404, "namespace not found", Kind::NoNamespace);
        let warned =
            r#"{"data":null,"warnings":["Invalid path for a versioned K/V secrets engine."]}"#;
        check(404, warned, Some(Kind::NoMount));
    }

    #[test]
    fn refused() {
        errors(
            403,
            "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n",
            Kind::TokenInvalid,
        );
        errors(403, "1 error occurred:\n\t* permission denied\n\n", Kind::Denied);
        errors(403, "preflight capability check returned 403, please ensure", Kind::Denied);
        errors(403, "permission denied", Kind::Forbidden);
        errors(
            503,
            "API access to this namespace has been locked by an administrator",
            Kind::NamespaceLocked,
        );
    }

    #[test]
    fn wrong_request() {
        errors(400, "check-and-set parameter did not match the current version", Kind::CasMismatch);
        errors(400, "check-and-set parameter required for this call", Kind::CasRequired);
        errors(400, "Upgrading from non-versioned to versioned data.", Kind::Upgrading);
        errors(400, "invalid role or secret ID", Kind::Rejected);
        errors(405, "unsupported operation", Kind::Rejected);
        errors(413, "request body too large", Kind::TooLarge);
        errors(
            500,
            "put failed due to value being too large; got 1048720 bytes, max: 1048576 bytes",
            Kind::TooLarge,
        );
        errors(500, "failed to parse JSON input: JSON depth exceeds allowed", Kind::Rejected);
    }

    #[test]
    fn unavailable_servers() {
        errors(503, "Vault is sealed", Kind::Sealed);
        errors(503, "server is not initialized", Kind::Sealed);
        errors(500, "local node not active but active cluster node not found", Kind::NoLeader);
        errors(500, "leadership lost while committing log", Kind::Server);
        errors(412, "required index state not present", Kind::Behind);
        errors(429, "request path \"x\": rate limit quota exceeded", Kind::RateLimited);
        errors(502, "bad gateway", Kind::Server);
    }

    #[test]
    fn answers_of_somebody_else() {
        let gateway = r#"{"message":"no Route matched"}"#;
        for status in [400, 403, 404, 405] {
            check(status, gateway, Some(Kind::Malformed));
            check(status, r#"{"message":"x","data":null}"#, Some(Kind::Malformed));
        }
        check(429, gateway, Some(Kind::RateLimited));
        check(502, gateway, Some(Kind::Server));
        let data = br#"{"data":{"data":null,"metadata":{"version":1}}}"#;
        assert_eq!(classify(StatusCode::NOT_FOUND, data, false), Some(Kind::Malformed));
        check(404, "<html>not found</html>", Some(Kind::Malformed));
        check(403, "", Some(Kind::Malformed));
        check(502, "<html>bad gateway</html>", Some(Kind::Server));
        check(307, "", Some(Kind::Redirected));
    }
}
