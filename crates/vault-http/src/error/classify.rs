//! Maps the status and the error texts of a response to an [`ErrorKind`], and keeps the texts.
//!
//! The status decides first, and the text only where one status has several causes. This is the
//! only module that knows the texts, which are those of Vault 1.21 and OpenBao 2.7. A text that is
//! not known is classified by its status alone. `docs/openbao.md` lists what differs.

use http::StatusCode;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::kind::ErrorKind;
use super::messages::Messages;

/// The texts of a check-and-set mismatch: of a secret's data, and of its metadata on OpenBao.
const CAS_MISMATCH: [&str; 2] =
    ["check-and-set parameter did not match", "check-and-set parameter does not match"];

/// The members of a response's envelope that classify it.
#[derive(Deserialize)]
struct Envelope {
    errors: Option<Vec<String>>,
    warnings: Option<Vec<String>>,
    data: Option<IgnoredAny>,
}

impl Envelope {
    fn has_warning(&self, part: &str) -> bool {
        self.warnings.iter().flatten().any(|text| text.contains(part))
    }
}

/// The error that a response reports.
pub(crate) struct Reported {
    pub(crate) kind: ErrorKind,
    /// The `errors` of the response.
    pub(crate) messages: Messages,
}

/// Returns the error that a response reports, or `None` if it is not an error.
///
/// A 404 without `errors` is not an error if the request sets `accept_not_found_data` and the
/// response carries data. Otherwise it was sent by a gateway and says nothing about what Vault
/// stores.
pub(crate) fn classify(
    status: StatusCode,
    body: &[u8],
    accept_not_found_data: bool,
) -> Option<Reported> {
    if status.is_success() {
        return None;
    }
    let without_messages = |kind| Some(Reported { kind, messages: Messages::default() });
    if status.is_redirection() {
        return without_messages(ErrorKind::Redirected);
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope>(body) else {
        return without_messages(not_from_vault(status));
    };
    if envelope.errors.is_none() && status.is_client_error() {
        let wrong_kv_path = envelope.has_warning("Invalid path for a versioned K/V");
        return match status.as_u16() {
            404 if wrong_kv_path => without_messages(ErrorKind::NoMount),
            404 if accept_not_found_data && envelope.data.is_some() => None,
            _ => without_messages(not_from_vault(status)),
        };
    }
    let errors = envelope.errors.unwrap_or_default();
    let kind = kind_of(status, &Texts(&errors));
    Some(Reported { kind, messages: Messages::new(errors) })
}

/// Returns the kind of an error that Vault itself reports.
fn kind_of(status: StatusCode, texts: &Texts<'_>) -> ErrorKind {
    match status.as_u16() {
        400 => bad_request(texts),
        403 => permission_denied(texts),
        404 => not_found(texts),
        412 => ErrorKind::ReplicationLag,
        413 => ErrorKind::TooLarge,
        429 => ErrorKind::RateLimited,
        472 | 473 => ErrorKind::NoLeader,
        500 => internal(texts),
        503 => unavailable(texts),
        code if code >= 500 => ErrorKind::Server,
        _ => ErrorKind::Rejected,
    }
}

/// The `errors` of a response.
struct Texts<'a>(&'a [String]);

impl Texts<'_> {
    fn contain(&self, part: &str) -> bool {
        self.0.iter().any(|text| text.contains(part))
    }
}

fn bad_request(texts: &Texts<'_>) -> ErrorKind {
    if CAS_MISMATCH.iter().any(|text| texts.contain(text)) {
        ErrorKind::CasMismatch
    } else if texts.contain("check-and-set parameter required") {
        ErrorKind::CasRequired
    } else if texts.contain("from non-versioned to versioned data") {
        ErrorKind::Upgrading
    } else {
        ErrorKind::Rejected
    }
}

fn permission_denied(texts: &Texts<'_>) -> ErrorKind {
    if texts.contain("invalid token") {
        ErrorKind::TokenInvalid
    } else if texts.contain("1 error occurred") || texts.contain("preflight capability check") {
        ErrorKind::Denied
    } else {
        ErrorKind::Forbidden
    }
}

/// Returns the kind of a response that a gateway or a load balancer sent in Vault's place. Its 5xx
/// and 429 mean the same as Vault's. Its other 4xx say nothing about Vault.
fn not_from_vault(status: StatusCode) -> ErrorKind {
    match status {
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
        _ if status.is_server_error() => ErrorKind::Server,
        _ => ErrorKind::Malformed,
    }
}

fn not_found(texts: &Texts<'_>) -> ErrorKind {
    if texts.0.is_empty() {
        ErrorKind::NotFound
    } else if texts.contain("no handler for route") {
        ErrorKind::NoMount
    } else if texts.contain("namespace not found") {
        ErrorKind::NoNamespace
    } else {
        ErrorKind::Rejected
    }
}

fn internal(texts: &Texts<'_>) -> ErrorKind {
    if texts.contain("active cluster node not found") {
        ErrorKind::NoLeader
    } else if texts.contain("value being too large") {
        ErrorKind::TooLarge
    } else if ["exceeds allowed", "malformed JSON", "duplicate key"]
        .iter()
        .any(|t| texts.contain(t))
    {
        ErrorKind::Rejected
    } else {
        ErrorKind::Server
    }
}

fn unavailable(texts: &Texts<'_>) -> ErrorKind {
    if texts.contain("locked") {
        ErrorKind::NamespaceLocked
    } else if texts.contain("namespace is sealed") {
        ErrorKind::NamespaceSealed
    } else if texts.contain("sealed") || texts.contain("not initialized") {
        ErrorKind::Sealed
    } else if texts.contain("no active") {
        ErrorKind::NoLeader
    } else {
        ErrorKind::Server
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: StatusCode, body: &str, accept_not_found_data: bool) -> Option<ErrorKind> {
        let reported = classify(status, body.as_bytes(), accept_not_found_data);
        reported.map(|reported| reported.kind)
    }

    fn check(status: u16, body: &str, expected: Option<ErrorKind>) {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(kind(status, body, true), expected, "{status} {body}");
    }

    fn check_text(status: u16, text: &str, expected: ErrorKind) {
        let body = serde_json::json!({ "errors": [text] }).to_string();
        check(status, &body, Some(expected));
    }

    /// The responses that `tests/probe` recorded from Vault 1.21.2 and OpenBao 2.7.2, where they
    /// are errors of a status and a text.
    #[test]
    fn recorded_responses_of_both_servers_are_classified() {
        use ErrorKind as K;
        let denied = "1 error occurred:\n\t* permission denied\n\n";
        let dead = "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n";
        let no_mount = "no handler for route \"missing/data/a\". route entry not found.";
        let no_node = "local node not active but active cluster node not found";
        let preflight = "preflight capability check returned 403, please ensure client's policies \
             grant access to path \"missing/\"";
        let limited = "request path \"secret/data/a\": rate limit quota exceeded";
        let both = [
            (503, "Vault is sealed", K::Sealed),
            (404, no_mount, K::NoMount),
            (403, denied, K::Denied),
            (403, preflight, K::Denied),
            (403, "permission denied", K::Forbidden),
            (429, limited, K::RateLimited),
            (500, no_node, K::NoLeader),
            (400, "check-and-set parameter did not match the current version", K::CasMismatch),
            (400, "check-and-set parameter required for this call", K::CasRequired),
            (400, "error parsing check-and-set parameter", K::Rejected),
            (400, "invalid role or secret ID", K::Rejected),
            (400, "invalid username or password", K::Rejected),
            (400, "wrapping token is not valid or does not exist", K::Rejected),
            (400, "batch tokens cannot be renewed", K::Rejected),
            (400, "lease is not renewable", K::Rejected),
            (400, "invalid lease ID", K::Rejected),
            (400, "mime: no media type", K::Rejected),
            (500, "1 error occurred:\n\t* past the max TTL, cannot renew\n\n", K::Server),
        ];
        let vault = [
            (403, dead, K::TokenInvalid),
            (500, "JSON string value exceeds allowed length", K::Rejected),
            (404, "enterprise-only feature", K::Rejected),
        ];
        let openbao = [
            (404, "namespace not found", K::NoNamespace),
            (503, "namespace is sealed", K::NamespaceSealed),
            (
                503,
                "API access to this namespace has been locked by an administrator - \"team/\" must \
                 be unlocked to gain access.",
                K::NamespaceLocked,
            ),
            // The token of a sealed namespace, in a request that does not name the namespace.
            (503, "error performing token check: failed to read entry: Vault is sealed", K::Sealed),
            (
                400,
                "Upgrading from non-versioned to versioned data. This backend will be unavailable \
                 for a brief period and will resume service shortly.",
                K::Upgrading,
            ),
            (
                400,
                "Waiting for the primary to upgrade from non-versioned to versioned data. This \
                 backend will be unavailable for a brief period and will resume service when the \
                 primary is finished.",
                K::Upgrading,
            ),
            (
                400,
                "metadata check-and-set parameter does not match the current version",
                K::CasMismatch,
            ),
            (400, "metadata check-and-set parameter required for this call", K::CasRequired),
            (400, "operation unavailable in namespaces", K::Rejected),
            (
                500,
                "1 error occurred:\n\t* put failed due to value being too large; got 156 bytes, max \
                 1048576 bytes\n\n",
                K::TooLarge,
            ),
            (500, "1 error occurred:\n\t* could not find version data\n\n", K::Server),
        ];
        for (status, text, expected) in both.into_iter().chain(vault).chain(openbao) {
            check_text(status, text, expected);
        }
    }

    #[test]
    fn success_and_deleted_version_are_not_errors() {
        check(200, "not parsed", None);
        check(204, "", None);
        check(404, r#"{"data":{"data":null,"metadata":{"version":1}}}"#, None);
    }

    #[test]
    fn not_found_is_distinguished_from_missing_mount_and_namespace() {
        check(404, r#"{"errors":[]}"#, Some(ErrorKind::NotFound));
        check_text(
            404,
            "no handler for route \"x/data/a\". route entry not found.",
            ErrorKind::NoMount,
        );
        check_text(404, "namespace not found", ErrorKind::NoNamespace);
        let wrong_path =
            r#"{"data":null,"warnings":["Invalid path for a versioned K/V secrets engine."]}"#;
        check(404, wrong_path, Some(ErrorKind::NoMount));
    }

    #[test]
    fn denials_are_classified_by_their_text() {
        check_text(
            403,
            "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n",
            ErrorKind::TokenInvalid,
        );
        check_text(403, "1 error occurred:\n\t* permission denied\n\n", ErrorKind::Denied);
        check_text(
            403,
            "preflight capability check returned 403, please ensure",
            ErrorKind::Denied,
        );
        check_text(403, "permission denied", ErrorKind::Forbidden);
        check_text(
            503,
            "API access to this namespace has been locked by an administrator",
            ErrorKind::NamespaceLocked,
        );
    }

    #[test]
    fn rejected_requests_are_classified_by_their_text() {
        check_text(
            400,
            "check-and-set parameter did not match the current version",
            ErrorKind::CasMismatch,
        );
        check_text(400, "check-and-set parameter required for this call", ErrorKind::CasRequired);
        check_text(400, "Upgrading from non-versioned to versioned data.", ErrorKind::Upgrading);
        check_text(400, "invalid role or secret ID", ErrorKind::Rejected);
        check_text(405, "unsupported operation", ErrorKind::Rejected);
        check_text(413, "request body too large", ErrorKind::TooLarge);
        check_text(
            500,
            "put failed due to value being too large; got 1048720 bytes, max: 1048576 bytes",
            ErrorKind::TooLarge,
        );
        check_text(
            500,
            "failed to parse JSON input: JSON depth exceeds allowed",
            ErrorKind::Rejected,
        );
    }

    #[test]
    fn unavailable_server_is_classified_by_its_text() {
        check_text(503, "Vault is sealed", ErrorKind::Sealed);
        check_text(503, "namespace is sealed", ErrorKind::NamespaceSealed);
        check_text(503, "server is not initialized", ErrorKind::Sealed);
        check_text(
            500,
            "local node not active but active cluster node not found",
            ErrorKind::NoLeader,
        );
        check_text(503, "no active Vault instance found", ErrorKind::NoLeader);
        check_text(500, "leadership lost while committing log", ErrorKind::Server);
        check_text(412, "required index state not present", ErrorKind::ReplicationLag);
        check_text(429, "request path \"x\": rate limit quota exceeded", ErrorKind::RateLimited);
        check_text(502, "bad gateway", ErrorKind::Server);
    }

    #[test]
    fn responses_of_a_gateway_are_malformed_or_unavailable() {
        let gateway = r#"{"message":"no Route matched"}"#;
        for status in [400, 403, 404, 405] {
            check(status, gateway, Some(ErrorKind::Malformed));
            check(status, r#"{"message":"x","data":null}"#, Some(ErrorKind::Malformed));
        }
        check(429, gateway, Some(ErrorKind::RateLimited));
        check(502, gateway, Some(ErrorKind::Server));
        let data = r#"{"data":{"data":null,"metadata":{"version":1}}}"#;
        assert_eq!(kind(StatusCode::NOT_FOUND, data, false), Some(ErrorKind::Malformed));
        check(404, "<html>not found</html>", Some(ErrorKind::Malformed));
        check(403, "", Some(ErrorKind::Malformed));
        check(502, "<html>bad gateway</html>", Some(ErrorKind::Server));
        check(307, "", Some(ErrorKind::Redirected));
    }
}
