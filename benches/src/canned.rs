//! The prepared responses: one secret, the metadata of a write, and the type of the mount, all as
//! Vault 1.21 sends them.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, STRICT_TRANSPORT_SECURITY};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;

/// The mount of the secret.
pub const MOUNT: &str = "secret";
/// The path of the secret in the mount.
pub const SECRET: &str = "litellm/OPENAI_API_KEY";
/// The API path of the secret's latest version.
pub const PATH: &str = "/v1/secret/data/litellm/OPENAI_API_KEY";
/// The token that may read the secret.
pub const TOKEN: &str = "hvs.CAESIJ1rZ8kYzqGmVd0bPpHn3sT5uW7xA9cE2fG4iK6lM8o";
/// The value of its field `key`, with the length of a provider key: 51 bytes.
pub const VALUE: &str = "sk-proj-q7Zr2Vt9Xw4Yb6Nc8Md1Lf3Kg5Jh0Pa2Sd4Fg6Hj8Kl";

/// The body of the response to a read.
pub const BODY: &str = concat!(
    r#"{"request_id":"6b0ce1f4-6f0c-1ac5-6f1e-9d3b2a7c5e80","lease_id":"","renewable":false,"#,
    r#""lease_duration":0,"data":{"data":{"key":"#,
    r#""sk-proj-q7Zr2Vt9Xw4Yb6Nc8Md1Lf3Kg5Jh0Pa2Sd4Fg6Hj8Kl"},"metadata":{"#,
    r#""created_time":"2026-05-04T09:12:41.318276Z","custom_metadata":null,"deletion_time":"","#,
    r#""destroyed":false,"version":3}},"wrap_info":null,"warnings":null,"auth":null,"#,
    r#""mount_type":"kv"}"#,
    "\n"
);

/// The prefix of further secrets. All have the same body.
const MANY: &str = "/v1/secret/data/providers/";

/// The path of the secret in the sidecar's native API, with the path prefix `litellm`.
pub const NATIVE_PATH: &str = "/km/v1/secrets/OPENAI_API_KEY";
/// The body of its response, ten seconds after the value was read.
pub const NATIVE_BODY: &str = concat!(
    r#"{"value":"sk-proj-q7Zr2Vt9Xw4Yb6Nc8Md1Lf3Kg5Jh0Pa2Sd4Fg6Hj8Kl","version":3,"#,
    r#""age_seconds":10,"stale":false,"source":"cache"}"#
);

/// The prefix of every write in the mount.
const DATA: &str = "/v1/secret/data/";
/// The body of the response to a write.
pub const WRITTEN: &str = concat!(
    r#"{"request_id":"0f1f3c55-5f3b-2d0e-8c8e-6b1d0e3a9c11","lease_id":"","renewable":false,"#,
    r#""lease_duration":0,"data":{"created_time":"2026-05-04T09:12:41.318276Z","#,
    r#""custom_metadata":null,"deletion_time":"","destroyed":false,"version":1},"#,
    r#""wrap_info":null,"warnings":null,"auth":null,"mount_type":"kv"}"#,
    "\n"
);

/// The request for the type of the mount, and its response.
const QUESTION: &str = "/v1/sys/internal/ui/mounts/secret";
const MOUNTED: &str = r#"{"data":{"path":"secret/","type":"kv","options":{"version":"2"}}}"#;

/// The look-up of the token, and its response: a token without an expiry.
const ITSELF: &str = "/v1/auth/token/lookup-self";
const LOOKED_UP: &str = r#"{"data":{"creation_ttl":0,"num_uses":0,"renewable":false,"ttl":0}}"#;

/// Returns the response to a request. Only requests with the right token receive the secret.
pub fn answer<B>(request: &Request<B>) -> Response<Full<Bytes>> {
    let token = request.headers().get("x-vault-token");
    let body = match (request.method(), request.uri().path()) {
        _ if token.is_none_or(|token| token != TOKEN) => None,
        (&Method::GET, path) if path == PATH || path.starts_with(MANY) => Some(BODY),
        (&Method::GET, QUESTION) => Some(MOUNTED),
        (&Method::GET, ITSELF) => Some(LOOKED_UP),
        (&Method::POST, path) if path.starts_with(DATA) => Some(WRITTEN),
        _ => None,
    };
    let (status, body) =
        body.map_or((StatusCode::FORBIDDEN, r#"{"errors":[]}"#), |body| (StatusCode::OK, body));
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let https = HeaderValue::from_static("max-age=31536000; includeSubDomains");
    headers.insert(STRICT_TRANSPORT_SECURITY, https);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_say_the_same() {
        assert_eq!(VALUE.len(), 51);
        assert!(BODY.contains(&format!(r#"{{"key":"{VALUE}"}}"#)));
        assert_eq!(PATH, format!("/v1/{MOUNT}/data/{SECRET}"));
        assert!(NATIVE_BODY.starts_with(&format!(r#"{{"value":"{VALUE}","#)));
        assert!(NATIVE_PATH.ends_with(SECRET.strip_prefix("litellm").unwrap()));
    }

    #[test]
    fn only_the_right_request_gets_the_secret() {
        for (path, token, expected) in [
            (PATH, TOKEN, StatusCode::OK),
            ("/v1/secret/data/providers/openai", TOKEN, StatusCode::OK),
            (PATH, "hvs.other", StatusCode::FORBIDDEN),
            ("/v1/secret/data/other", TOKEN, StatusCode::FORBIDDEN),
        ] {
            let request = Request::get(path).header("x-vault-token", token).body(()).unwrap();
            assert_eq!(answer(&request).status(), expected, "{path}");
        }
    }
}
