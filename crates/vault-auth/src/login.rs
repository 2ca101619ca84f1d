//! What a login gave: a token, and what it needs to live on.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::IgnoredAny;
use vault_http::{Error, ErrorKind, Response, Token};

/// What a login gave.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Login {
    /// The token.
    pub token: Token,
    /// How long it lives from before the login was sent; `None`: no end is known.
    pub ttl: Option<Duration>,
    /// How much a renewal asks for, where that is more than `lease`: of a token that somebody else
    /// made, only a part may be left. Asking for less would shorten its life.
    pub renewal_increment: Option<Duration>,
    /// Whether it may be renewed.
    pub renewable: bool,
    /// Whether each renewal gives the whole period, for ever.
    pub periodic: bool,
    /// How many requests may carry it; `None`: any number.
    pub uses: Option<u32>,
    /// The names of its policies; `None`: they are not known. A token with other policies may be
    /// allowed what this one is denied.
    pub policies: Option<Vec<String>>,
    /// Whether it is the source's own, to be revoked when another takes its place. A token that
    /// somebody else made is not, and a batch token can't be revoked.
    pub revocable: bool,
}

impl Login {
    /// A token without a known end, that is neither renewed nor revoked.
    pub fn new(token: Token) -> Self {
        let (lease, term, uses, policies) = (None, None, None, None);
        let (renewable, periodic, revocable) = (false, false, false);
        Self {
            token,
            ttl: lease,
            renewal_increment: term,
            renewable,
            periodic,
            uses,
            policies,
            revocable,
        }
    }

    /// Reads the answer to a login: 200 with an `auth`.
    pub(crate) fn from_answer(answer: &Response) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Answer {
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
            policies: Option<Vec<String>>,
            mfa_requirement: Option<IgnoredAny>,
        }
        answer.expect_status(&[200])?;
        let Answer { auth } = answer.json()?;
        let auth = auth.ok_or_else(|| answer.malformed("the login has no `auth`"))?;
        if auth.mfa_requirement.is_some() {
            let error = answer.error(ErrorKind::LoginRefused);
            return Err(error.with_detail("the login requires MFA, which km does not support"));
        }
        let token = auth.client_token.and_then(|token| Token::new(&token).ok());
        let token = token.ok_or_else(|| answer.malformed("the login has no usable token"))?;
        let seconds = auth.lease_duration;
        let seconds = seconds.ok_or_else(|| answer.malformed("the login has no lease"))?;
        let lease = lease(seconds, answer)?;
        let batch = auth.token_type == "batch";
        Ok(Self {
            ttl: lease,
            renewable: auth.renewable && !batch,
            uses: (auth.num_uses > 0).then_some(auth.num_uses),
            policies: auth.policies,
            revocable: !batch,
            ..Self::new(token)
        })
    }

    /// Reads what the server knows of a token that somebody else made: 200 with its `data`.
    pub(crate) fn from_look_up(token: Token, answer: &Response) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Data {
            ttl: i64,
            #[serde(default)]
            creation_ttl: i64,
            #[serde(default)]
            renewable: bool,
            /// Uses that are left; 0: any number, and below: this was the last.
            #[serde(default)]
            num_uses: i64,
            /// Seconds; absent where there is none.
            #[serde(default)]
            period: i64,
            #[serde(default, rename = "type")]
            token_type: String,
        }
        answer.expect_status(&[200])?;
        let data: Data = answer.data()?;
        let (lease, term) = (lease(data.ttl, answer)?, lease(data.creation_ttl, answer)?);
        let uses = u32::try_from(data.num_uses).map_err(|_| {
            answer
                .error(ErrorKind::LoginRefused)
                .with_detail("the look-up took the token's last use")
        })?;
        Ok(Self {
            ttl: lease,
            renewal_increment: term,
            renewable: data.renewable && data.token_type != "batch",
            periodic: data.period > 0,
            uses: (uses > 0).then_some(uses),
            ..Self::new(token)
        })
    }
}

/// Seconds; 0 is a token that does not end, such as root's, and what is negative is no lease.
fn lease(seconds: i64, answer: &Response) -> Result<Option<Duration>, Error> {
    let seconds = u64::try_from(seconds)
        .map_err(|_| answer.malformed("the lease of the token is negative"))?;
    Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
}
