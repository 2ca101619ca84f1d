//! Virtual keys at the own door: from a request to a change, and back to an answer.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::{Method, StatusCode};
use km_proxy_adapter::{Error, ErrorKind, KeyAlias, VaultValidator, VirtualKeys};
use km_settings::TeamSettings;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::change::Change;
use super::{failed, no_such_method, refused, refused_as, tail};
use crate::commands::serve::app::App;
use crate::commands::serve::http::{body, json as reply};
use crate::commands::serve::server::Peer;
use crate::error::Failure;

const KEYS: &str = "/km/v1/keys/";

/// The body of each operation: what it has no use for is refused.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Given<'a> {
    alias: Option<String>,
    token_id: Option<String>,
    #[serde(deserialize_with = "km_proxy_adapter::json::optional_secret_string")]
    value: Option<SecretString>,
    to: Option<String>,
    description: Option<String>,
    #[serde(borrow)]
    team_settings: Option<&'a RawValue>,
}

/// `POST /km/v1/keys`.
pub(crate) async fn keys(State(app): State<Arc<App>>, request: Request) -> Response {
    if request.method() != Method::POST {
        return no_such_method().await;
    }
    let wanted = |given: &mut Given<'_>| {
        let alias = alias(given.alias.take(), given.token_id.take())?;
        Ok(Change::Store(alias, value(given)?, given.description.take()))
    };
    change(&app, request, wanted).await
}

/// `POST /km/v1/keys/{alias}/rotate`, `POST …/rename`, `DELETE /km/v1/keys/{alias}`.
pub(crate) async fn key(State(app): State<Arc<App>>, request: Request) -> Response {
    let rest = match tail(&request, KEYS) {
        Ok(rest) => rest,
        Err(failure) => return refused(&failure),
    };
    match (request.method(), rest.rsplit_once('/')) {
        (&Method::DELETE, _) => {
            change(&app, request, |_| Ok(Change::Delete(KeyAlias::new(&rest)?))).await
        }
        (&Method::POST, Some((name, "rotate"))) => {
            let wanted = |given: &mut Given<'_>| {
                let to = given.to.take().map(|to| KeyAlias::new(&to)).transpose()?;
                Ok(Change::Rotate(KeyAlias::new(name)?, to, value(given)?))
            };
            change(&app, request, wanted).await
        }
        (&Method::POST, Some((name, "rename"))) => {
            let wanted = |given: &mut Given<'_>| {
                let to = given.to.take().ok_or_else(|| lacks("to", "the new alias"))?;
                Ok(Change::Rename(KeyAlias::new(name)?, KeyAlias::new(&to)?))
            };
            change(&app, request, wanted).await
        }
        _ => no_such_method().await,
    }
}

/// Reads the body, makes the change and tells what became of it.
async fn change(
    app: &Arc<App>,
    request: Request,
    wanted: impl FnOnce(&mut Given<'_>) -> Result<Change, Failure>,
) -> Response {
    let peer = Peer::of(&request);
    let bytes = match body::read(request.into_body()).await {
        Ok(bytes) => bytes,
        Err((status, failure)) => return refused_as(status, &failure),
    };
    let parsed = parse(app, &bytes, wanted);
    drop(bytes);
    let (keys, change) = match parsed {
        Ok(parsed) => parsed,
        Err(failure) => return refused(&failure),
    };
    let shared = Arc::clone(app);
    let made = app.to_its_end(async move { change.make(&shared, &keys, &peer).await }).await;
    match made {
        Some(Ok(document)) => reply::json(StatusCode::OK, &document),
        Some(Err(error)) => failed(error),
        None => {
            let what = "the change was broken off: it may have been made";
            let hint = "read what is there, then decide";
            refused(&Failure::new(ErrorKind::Conflict, what, hint))
        }
    }
}

fn parse(
    app: &App,
    bytes: &[u8],
    wanted: impl FnOnce(&mut Given<'_>) -> Result<Change, Failure>,
) -> Result<(VirtualKeys, Change), Failure> {
    // A deletion needs no body. Serde's own words may quote what it read.
    let mut given = if bytes.is_empty() {
        Given::default()
    } else {
        serde_json::from_slice(bytes).map_err(|_| {
            let what = "usage: the body is no JSON object of alias, token_id, value, to, \
                        description and team_settings";
            Failure::new(ErrorKind::Usage, what, "see docs/guides/serve.md")
        })?
    };
    let change = wanted(&mut given)?;
    if given.has_rest() {
        let what = "usage: the body has something that this operation has no use for";
        return Err(Failure::new(ErrorKind::Usage, what, "leave it out"));
    }
    let team = given.team_settings.filter(|team| team.get() != "null");
    let team = team.map(|team| TeamSettings::from_json(team.get(), &VaultValidator)).transpose();
    let team = team.map_err(Error::from)?;
    Ok((app.keys.virtual_keys(team.as_ref())?, change))
}

impl Given<'_> {
    /// Whether something is left that nobody took.
    fn has_rest(&self) -> bool {
        let texts = [&self.alias, &self.token_id, &self.to, &self.description];
        texts.into_iter().any(Option::is_some) || self.value.is_some()
    }
}

fn value(given: &mut Given<'_>) -> Result<SecretString, Failure> {
    given.value.take().ok_or_else(|| lacks("value", "the key"))
}

fn alias(alias: Option<String>, token_id: Option<String>) -> Result<KeyAlias, Failure> {
    match (alias, token_id) {
        (Some(alias), None) => Ok(KeyAlias::new(&alias)?),
        (None, Some(id)) => Ok(KeyAlias::of_token(&id)?),
        _ => Err(lacks("alias", "or `token_id`, and not both")),
    }
}

fn lacks(field: &str, meaning: &str) -> Failure {
    let what = format!("usage: the body lacks `{field}`, {meaning}");
    Failure::new(ErrorKind::Usage, what, "see docs/guides/serve.md")
}
