//! The members of a response beside its `data`.

use std::fmt;
use std::time::{Duration, SystemTime};

use secrecy::SecretString;
use serde::Deserialize;

use super::Response;
use crate::error::Error;
use crate::json;
use crate::token::Token;

/// A [lease](https://developer.hashicorp.com/vault/docs/concepts/lease) of a secret that the server
/// revokes when it ends, such as the credentials of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The ID with which the lease is renewed or revoked. It is not a secret.
    pub id: String,
    /// The duration from the response on.
    pub duration: Duration,
    /// Whether the lease can be renewed.
    pub renewable: bool,
}

/// The token of a response that was [wrapped](crate::Request::wrap_ttl).
#[derive(Clone)]
#[non_exhaustive]
pub struct WrapInfo {
    /// The wrapping token, with which any holder can unwrap the response once. Send
    /// [`Request::unwrap_token`](crate::Request::unwrap_token) with it.
    pub token: Token,
    /// The accessor of the wrapping token.
    pub accessor: String,
    /// The time from the response on in which the token can be unwrapped.
    pub ttl: Duration,
    /// The path of the request, such as `secret/data/a`. Before unwrapping a token that came from
    /// elsewhere, compare it with that of `sys/wrapping/lookup`.
    pub creation_path: String,
    /// The time of the response by the server's clock.
    pub creation_time: Option<SystemTime>,
    /// The accessor of the token in the wrapped response, if that is a login.
    pub wrapped_accessor: Option<String>,
}

impl fmt::Debug for WrapInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WrapInfo");
        debug.field("ttl", &self.ttl).field("creation_path", &self.creation_path);
        debug.finish_non_exhaustive()
    }
}

impl Response {
    /// Returns the lease, or `None` if the response has none, as those of most engines.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if its members have other types.
    pub fn lease(&self) -> Result<Option<Lease>, Error> {
        #[derive(Deserialize)]
        struct Envelope {
            #[serde(default)]
            lease_id: String,
            #[serde(default)]
            lease_duration: u64,
            #[serde(default)]
            renewable: bool,
        }
        let Envelope { lease_id: id, lease_duration, renewable } = self.json()?;
        let duration = Duration::from_secs(lease_duration);
        Ok((!id.is_empty()).then_some(Lease { id, duration, renewable }))
    }

    /// Returns the `warnings`, for example that a requested TTL was lowered. They are texts of the
    /// server, like [`Error::vault_messages`].
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if they are not strings.
    pub fn warnings(&self) -> Result<Vec<String>, Error> {
        #[derive(Deserialize)]
        struct Envelope {
            warnings: Option<Vec<String>>,
        }
        Ok(self.json::<Envelope>()?.warnings.unwrap_or_default())
    }

    /// Returns the wrapping token, or `None` if the response is not wrapped.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if a member is missing or has another
    /// type.
    pub fn wrap_info(&self) -> Result<Option<WrapInfo>, Error> {
        #[derive(Deserialize)]
        struct Envelope<'a> {
            #[serde(borrow)]
            wrap_info: Option<WrapInfoJson<'a>>,
        }
        #[derive(Deserialize)]
        struct WrapInfoJson<'a> {
            #[serde(deserialize_with = "json::secret_string")]
            token: SecretString,
            #[serde(default)]
            accessor: String,
            ttl: u64,
            creation_time: &'a str,
            creation_path: String,
            wrapped_accessor: Option<String>,
        }
        let Some(json) = self.json::<Envelope<'_>>()?.wrap_info else { return Ok(None) };
        let token = Token::new(&json.token)
            .map_err(|error| self.malformed("invalid wrapping token").with_source(error))?;
        Ok(Some(WrapInfo {
            token,
            accessor: json.accessor,
            ttl: Duration::from_secs(json.ttl),
            creation_path: json.creation_path,
            creation_time: humantime::parse_rfc3339(json.creation_time).ok(),
            wrapped_accessor: json.wrapped_accessor,
        }))
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::path::ApiPath;
    use crate::request::Request;

    fn response(body: &str) -> Response {
        let request = Request::get(ApiPath::from_static("secret/data/a"));
        Response::new(StatusCode::OK, body.as_bytes().to_vec().into(), &request)
    }

    #[test]
    fn lease_and_warnings_are_read_from_the_envelope() {
        let leased = response(
            r#"{"lease_id":"db/creds/a/1","lease_duration":3600,"renewable":true,"warnings":["w"]}"#,
        );
        let lease = leased.lease().unwrap().unwrap();
        assert_eq!(
            (lease.id.as_str(), lease.duration.as_secs(), lease.renewable),
            ("db/creds/a/1", 3600, true)
        );
        assert_eq!(leased.warnings().unwrap(), ["w"]);
        let plain = response(r#"{"lease_id":"","lease_duration":0,"warnings":null}"#);
        assert_eq!((plain.lease().unwrap(), plain.warnings().unwrap().len()), (None, 0));
        assert_eq!(response("{}").lease().unwrap(), None);
        assert!(response(r#"{"lease_duration":"1h"}"#).lease().is_err());
    }

    #[test]
    fn wrapping_token_is_masked() {
        let wrapped = response(
            r#"{"wrap_info":{"token":"hvs.PLANTED","accessor":"PLANTED","ttl":60,"creation_time":
            "2026-11-28T13:08:17.842560866Z","creation_path":"secret/data/a"}}"#,
        );
        let info = wrapped.wrap_info().unwrap().unwrap();
        assert_eq!((info.token.expose(), info.ttl.as_secs()), ("hvs.PLANTED", 60));
        assert!(info.creation_time.is_some());
        assert!(!format!("{info:?}").contains("PLANTED"), "{info:?}");
        assert!(response(r#"{"wrap_info":null}"#).wrap_info().unwrap().is_none());
        let bad = response(
            r#"{"wrap_info":{"token":"a PLANTED","ttl":1,"creation_time":"","creation_path":""}}"#,
        );
        let error = bad.wrap_info().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("PLANTED"), "{error:?}");
    }
}
