//! The result of a login: a token and its properties.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::IgnoredAny;
use vault_http::{Error, ErrorKind, Response, Token};

/// The result of a successful login.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Login {
    /// The token.
    pub token: Token,
    /// The TTL of the token, counted from before the login was sent. `None` if its expiry is not
    /// known or it has none.
    pub ttl: Option<Duration>,
    /// The TTL to request in a renewal, if it is more than `ttl`.
    ///
    /// A token that was created elsewhere may have used up most of its TTL. Renewing it with the
    /// remaining time would shorten its life.
    pub renewal_increment: Option<Duration>,
    /// Whether the token may be renewed.
    pub renewable: bool,
    /// Whether the token has a period, so that it can be renewed indefinitely.
    pub periodic: bool,
    /// The number of requests that may carry the token. `None` if it is not limited.
    pub uses: Option<u32>,
    /// What the server says about the identity that has logged in.
    pub info: LoginInfo,
    /// Whether the source may revoke the token when it is replaced or at shutdown.
    ///
    /// This is `false` for tokens that were created elsewhere, and for batch tokens, which cannot
    /// be revoked.
    pub revocable: bool,
}

/// What a server says about the identity that has logged in, and about its token.
///
/// Nothing in it is accepted in place of the token. `Debug` masks the accessor.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoginInfo {
    /// The accessor of the token. `None` if there is none, as for batch tokens, or if it is not
    /// known.
    ///
    /// Anyone with the right to do so can look up or revoke the token by it, so that it belongs
    /// into an audit trail rather than into a public log.
    pub accessor: Option<String>,
    /// The names of the token's policies. `None` if they are not known.
    ///
    /// They are compared to find out whether a new token may be allowed what this one is denied.
    pub policies: Option<Vec<String>>,
    /// The metadata that the login method has attached, such as the name of the role.
    pub metadata: BTreeMap<String, String>,
    /// The ID of the identity's entity. `None` if there is none or if it is not known.
    pub entity_id: Option<String>,
}

impl LoginInfo {
    /// Replaces empty texts, by which a server means that there is none.
    fn new(
        accessor: Option<String>,
        policies: Option<Vec<String>>,
        metadata: Option<BTreeMap<String, String>>,
        entity_id: Option<String>,
    ) -> Self {
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (accessor, entity_id) = (text(accessor), text(entity_id));
        Self { accessor, policies, metadata: metadata.unwrap_or_default(), entity_id }
    }
}

impl fmt::Debug for LoginInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accessor = self.accessor.as_ref().map(|_| "[REDACTED]");
        let mut debug = f.debug_struct("LoginInfo");
        debug.field("accessor", &accessor).field("policies", &self.policies);
        debug.field("metadata", &self.metadata).field("entity_id", &self.entity_id).finish()
    }
}

impl Login {
    /// Returns a login with a token whose expiry is not known, and which is neither renewed nor
    /// revoked.
    pub fn new(token: Token) -> Self {
        Self {
            token,
            ttl: None,
            renewal_increment: None,
            renewable: false,
            periodic: false,
            uses: None,
            info: LoginInfo::default(),
            revocable: false,
        }
    }

    /// Parses the response to a login request.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if it has no usable token, and [`ErrorKind::LoginRefused`] if the
    /// login requires MFA.
    pub(crate) fn from_response(response: &Response) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Body {
            auth: Option<Auth>,
        }
        #[derive(Deserialize)]
        struct Auth {
            #[serde(default, deserialize_with = "vault_http::json::optional_secret_string")]
            client_token: Option<SecretString>,
            lease_duration: Option<i64>,
            #[serde(default)]
            renewable: bool,
            #[serde(default)]
            num_uses: u32,
            #[serde(default)]
            token_type: String,
            accessor: Option<String>,
            policies: Option<Vec<String>>,
            metadata: Option<BTreeMap<String, String>>,
            entity_id: Option<String>,
            mfa_requirement: Option<IgnoredAny>,
        }
        response.expect_status(&[200])?;
        let Body { auth } = response.json()?;
        let auth = auth.ok_or_else(|| response.malformed("the login response has no `auth`"))?;
        if auth.mfa_requirement.is_some() {
            let error = response.error(ErrorKind::LoginRefused);
            return Err(error.with_detail("the login requires MFA, which km does not support"));
        }
        let token = auth.client_token.and_then(|token| Token::new(&token).ok());
        let token =
            token.ok_or_else(|| response.malformed("the login response has no usable token"))?;
        let seconds = auth.lease_duration;
        let seconds = seconds
            .ok_or_else(|| response.malformed("the login response has no `lease_duration`"))?;
        let is_batch = auth.token_type == "batch";
        Ok(Self {
            ttl: ttl(seconds, response)?,
            renewable: auth.renewable && !is_batch,
            uses: (auth.num_uses > 0).then_some(auth.num_uses),
            info: LoginInfo::new(auth.accessor, auth.policies, auth.metadata, auth.entity_id),
            revocable: !is_batch,
            ..Self::new(token)
        })
    }

    /// Parses the response to a look-up of a token that was created elsewhere.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if the response is not that of a look-up, and
    /// [`ErrorKind::LoginRefused`] if the look-up was the token's last use.
    pub(crate) fn from_look_up(token: Token, response: &Response) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Data {
            ttl: i64,
            #[serde(default)]
            creation_ttl: i64,
            #[serde(default)]
            renewable: bool,
            /// The remaining uses: 0 if they are not limited, negative if this was the last.
            #[serde(default)]
            num_uses: i64,
            /// Seconds. Absent if the token has no period.
            #[serde(default)]
            period: i64,
            #[serde(default, rename = "type")]
            token_type: String,
            accessor: Option<String>,
            policies: Option<Vec<String>>,
            meta: Option<BTreeMap<String, String>>,
            entity_id: Option<String>,
        }
        response.expect_status(&[200])?;
        let data: Data = response.data()?;
        let uses = u32::try_from(data.num_uses).map_err(|_| {
            response
                .error(ErrorKind::LoginRefused)
                .with_detail("the look-up was the token's last use")
        })?;
        Ok(Self {
            ttl: ttl(data.ttl, response)?,
            renewal_increment: ttl(data.creation_ttl, response)?,
            renewable: data.renewable && data.token_type != "batch",
            periodic: data.period > 0,
            uses: (uses > 0).then_some(uses),
            info: LoginInfo::new(data.accessor, data.policies, data.meta, data.entity_id),
            ..Self::new(token)
        })
    }
}

/// Converts a TTL in seconds. Tokens that do not expire, such as root tokens, have a TTL of 0.
fn ttl(seconds: i64, response: &Response) -> Result<Option<Duration>, Error> {
    let seconds =
        u64::try_from(seconds).map_err(|_| response.malformed("the token's TTL is negative"))?;
    Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
}
