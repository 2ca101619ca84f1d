//! A stand-in for AWS's Security Token Service, which answers `GetCallerIdentity` if the request is
//! signed with a known key
//! ([version 4](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html)).

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The account of all users.
const ACCOUNT: &str = "123456789012";

/// A service that answers until it is dropped. It knows nobody at first.
pub struct Sts {
    address: SocketAddr,
    keys: Keys,
    _serving: JoinSet<()>,
}

type Keys = Arc<Mutex<HashMap<String, Key>>>;

#[derive(Clone)]
struct Key {
    secret: String,
    session_token: Option<String>,
    user: String,
}

impl Sts {
    /// Starts the service on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, keys) = (listener.local_addr()?, Keys::default());
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&keys));
        let mut serving = JoinSet::new();
        serving.spawn(async move { drop(axum::serve(listener, routes).await) });
        Ok(Self { address, keys, _serving: serving })
    }

    /// Returns the URL, such as `http://127.0.0.1:1234`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds the access key of a user, or replaces it. Returns the user's ARN.
    pub fn add_key(
        &self,
        user: &str,
        id: &str,
        secret: &str,
        session_token: Option<&str>,
    ) -> String {
        let session_token = session_token.map(str::to_owned);
        let key = Key { secret: secret.to_owned(), session_token, user: user.to_owned() };
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), key);
        arn(user)
    }
}

impl fmt::Debug for Sts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sts").field("address", &self.address).finish_non_exhaustive()
    }
}

fn arn(user: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{user}")
}

async fn answer(
    State(keys): State<Keys>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let keys = keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (status, xml) = match caller(&keys, &method, &headers, &body) {
        Ok(user) => (
            StatusCode::OK,
            format!(
                "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                 <GetCallerIdentityResult><Arn>{}</Arn><UserId>AIDA{user}</UserId>\
                 <Account>{ACCOUNT}</Account></GetCallerIdentityResult>\
                 </GetCallerIdentityResponse>",
                arn(&user)
            ),
        ),
        Err(error) => (
            StatusCode::FORBIDDEN,
            format!("<ErrorResponse><Error><Message>{error:#}</Message></Error></ErrorResponse>"),
        ),
    };
    (status, [(CONTENT_TYPE, "text/xml")], xml).into_response()
}

/// Returns the user who has signed the request.
fn caller(
    keys: &HashMap<String, Key>,
    method: &Method,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<String> {
    ensure!(method == Method::POST, "not a POST");
    ensure!(body == b"Action=GetCallerIdentity&Version=2011-06-15", "another action");
    let header = |name: &str| -> Result<&str> {
        Ok(headers.get(name).with_context(|| format!("no header {name}"))?.to_str()?)
    };
    let authorization = header("authorization")?;
    let parts = authorization.strip_prefix("AWS4-HMAC-SHA256 ").context("another algorithm")?;
    let part = |name: &str| {
        let mut parts = parts.split(", ");
        parts.find_map(|part| part.strip_prefix(name)).with_context(|| format!("no {name}"))
    };
    let (names, signature) = (part("SignedHeaders=")?, part("Signature=")?);
    let (id, scope) = part("Credential=")?.split_once('/').context("no scope")?;
    let key = keys.get(id).context("unknown access key")?;
    if let Some(token) = &key.session_token {
        ensure!(header("x-amz-security-token")? == token, "another session token");
        ensure!(names.contains("x-amz-security-token"), "the session token is not signed");
    }
    ensure!(names.contains("host"), "the host is not signed");
    let mut lines = String::new();
    for name in names.split(';') {
        lines.extend([name, ":", header(name)?, "\n"]);
    }
    let request = format!("POST\n/\n\n{lines}\n{names}\n{}", hex(&Sha256::digest(body)));
    let (time, digest) = (header("x-amz-date")?, hex(&Sha256::digest(request)));
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}");
    ensure!(scope.ends_with("/sts/aws4_request"), "another service");
    let (date, _) = time.split_once('T').context("no time")?;
    ensure!(scope.starts_with(date), "another date");
    let mut derived = format!("AWS4{}", key.secret).into_bytes();
    for part in scope.split('/') {
        derived = mac(&derived, part)?;
    }
    ensure!(hex(&mac(&derived, &text)?) == signature, "the signature does not match");
    Ok(key.user.clone())
}

fn mac(key: &[u8], text: &str) -> Result<Vec<u8>> {
    let keyed = Hmac::<Sha256>::new_from_slice(key)?;
    Ok(keyed.chain_update(text).finalize().into_bytes().to_vec())
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}
