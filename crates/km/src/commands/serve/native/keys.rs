//! `/km/v1/keys`: stores, rotates, renames and deletes virtual keys.

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
use super::request::{GUIDE, method_not_allowed, path_after};
use crate::commands::serve::app::App;
use crate::commands::serve::http::{body, error_response, json};
use crate::commands::serve::peer::Peer;
use crate::error::Failure;

const PREFIX: &str = "/km/v1/keys/";

/// The body of a request. Each operation takes the fields that it uses; one that is left is an
/// error.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct KeyRequest<'a> {
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
        return method_not_allowed().await;
    }
    let store = |fields: &mut KeyRequest<'_>| {
        Ok(Change::Store(fields.take_alias()?, fields.take_value()?, fields.description.take()))
    };
    change(&app, request, store).await
}

/// `POST /km/v1/keys/{alias}/rotate`, `POST …/rename`, `DELETE /km/v1/keys/{alias}`.
pub(crate) async fn key(State(app): State<Arc<App>>, request: Request) -> Response {
    let rest = match path_after(PREFIX, &request) {
        Ok(rest) => rest,
        Err(failure) => return error_response::native(&failure),
    };
    match (request.method(), rest.rsplit_once('/')) {
        (&Method::DELETE, _) => {
            change(&app, request, |_| Ok(Change::Delete(KeyAlias::new(&rest)?))).await
        }
        (&Method::POST, Some((alias, "rotate"))) => {
            let rotate = |fields: &mut KeyRequest<'_>| {
                let to = fields.to.take().map(|to| KeyAlias::new(&to)).transpose()?;
                Ok(Change::Rotate(KeyAlias::new(alias)?, to, fields.take_value()?))
            };
            change(&app, request, rotate).await
        }
        (&Method::POST, Some((alias, "rename"))) => {
            let rename = |fields: &mut KeyRequest<'_>| {
                let to = fields.to.take().ok_or_else(|| missing("`to`, the new alias"))?;
                Ok(Change::Rename(KeyAlias::new(alias)?, KeyAlias::new(&to)?))
            };
            change(&app, request, rename).await
        }
        _ => method_not_allowed().await,
    }
}

/// Reads the body, executes the change that `to_change` makes of it, and responds.
async fn change(
    app: &Arc<App>,
    request: Request,
    to_change: impl FnOnce(&mut KeyRequest<'_>) -> Result<Change, Failure>,
) -> Response {
    let client = Peer::of(&request);
    let bytes = match body::read(request.into_body()).await {
        Ok(bytes) => bytes,
        Err((status, failure)) => return error_response::native_with_status(status, &failure),
    };
    let parsed = parse(app, &bytes, to_change);
    drop(bytes);
    let (keys, change) = match parsed {
        Ok(parsed) => parsed,
        Err(failure) => return error_response::native(&failure),
    };
    let shared = Arc::clone(app);
    let outcome =
        app.run_to_completion(async move { change.execute(&shared, &keys, &client).await }).await;
    match outcome {
        Some(Ok(document)) => json::response(StatusCode::OK, &document),
        Some(Err(error)) => error_response::native(&error.into()),
        None => {
            let what = "interrupted: the change may have been executed";
            let hint = "read the key, then decide whether to repeat the change";
            error_response::native(&Failure::new(ErrorKind::Conflict, what, hint))
        }
    }
}

fn parse(
    app: &App,
    bytes: &[u8],
    to_change: impl FnOnce(&mut KeyRequest<'_>) -> Result<Change, Failure>,
) -> Result<(VirtualKeys, Change), Failure> {
    // A deletion may have no body.
    let mut fields = if bytes.is_empty() {
        KeyRequest::default()
    } else {
        // Serde's message is dropped because it may quote the value.
        serde_json::from_slice(bytes).map_err(|_| {
            let what = "usage: the body is not a JSON object with only the fields alias, token_id, \
                        value, to, description and team_settings";
            Failure::new(ErrorKind::Usage, what, GUIDE)
        })?
    };
    let change = to_change(&mut fields)?;
    if fields.has_unused() {
        let what = "usage: the body has a field that this operation does not use";
        return Err(Failure::new(ErrorKind::Usage, what, "remove it"));
    }
    let team = fields.team_settings.filter(|team| team.get() != "null");
    let team = team.map(|team| TeamSettings::from_json(team.get(), &VaultValidator)).transpose();
    let team = team.map_err(Error::from)?;
    Ok((app.keys.virtual_keys(team.as_ref())?, change))
}

impl KeyRequest<'_> {
    fn take_value(&mut self) -> Result<SecretString, Failure> {
        self.value.take().ok_or_else(|| missing("`value`, the key"))
    }

    fn take_alias(&mut self) -> Result<KeyAlias, Failure> {
        match (self.alias.take(), self.token_id.take()) {
            (Some(alias), None) => Ok(KeyAlias::new(&alias)?),
            (None, Some(id)) => Ok(KeyAlias::from_token_id(&id)?),
            _ => Err(missing("either `alias` or `token_id`")),
        }
    }

    /// Returns whether a field is left that the operation did not take.
    fn has_unused(&self) -> bool {
        let texts = [&self.alias, &self.token_id, &self.to, &self.description];
        texts.into_iter().any(Option::is_some) || self.value.is_some()
    }
}

fn missing(field: &str) -> Failure {
    Failure::new(ErrorKind::Usage, format!("usage: the body must have {field}"), GUIDE)
}
