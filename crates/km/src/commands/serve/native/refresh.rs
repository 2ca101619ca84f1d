//! `POST /km/v1/refresh`: reads secrets from Vault again, however young their cached values are.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use km_proxy_adapter::{ErrorKind, KeyManager, RefreshOutcome};

use super::request::GUIDE;
use crate::commands::serve::app::App;
use crate::commands::serve::http::{body, error_response, json};
use crate::commands::serve::operation::Operation;
use crate::error::{ErrorBody, Failure};
use crate::sidecar::refresh::{RefreshRequest, RefreshResponse, RefreshedName};

/// The largest number of names in a request: as many as the cache holds.
const MAX_NAMES: usize = 10_000;

/// Responds with the version of each name before and after.
pub(crate) async fn refresh(State(app): State<Arc<App>>, request: Request) -> Response {
    let bytes = match body::read(request.into_body()).await {
        Ok(bytes) => bytes,
        Err((status, failure)) => return error_response::native_with_status(status, &failure),
    };
    let names = match parse(&bytes).and_then(|names| check(&app.keys, names)) {
        Ok(names) => names,
        Err(failure) => return error_response::native(&failure),
    };
    let outcomes = run(&app, names).await;
    let names = outcomes.into_iter().map(RefreshedName::from).collect();
    json::response(StatusCode::OK, &RefreshResponse { names })
}

/// Returns the names in the body. An empty body means all names, like an empty object.
fn parse(bytes: &[u8]) -> Result<Option<Vec<String>>, Failure> {
    if bytes.is_empty() {
        return Ok(None);
    }
    // Serde takes an array for a struct too.
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    let request = is_object.then(|| serde_json::from_slice::<RefreshRequest>(bytes).ok()).flatten();
    let request = request.ok_or_else(|| {
        let what = "usage: the body is not a JSON object with only a list `names` of strings";
        Failure::new(ErrorKind::Usage, what, GUIDE)
    })?;
    Ok(request.names)
}

/// Checks that there are not too many names, and that all are valid.
fn check(keys: &KeyManager, names: Option<Vec<String>>) -> Result<Option<Vec<String>>, Failure> {
    let Some(names) = names else { return Ok(None) };
    if names.len() > MAX_NAMES {
        let what = format!("usage: more than {MAX_NAMES} names");
        return Err(Failure::new(ErrorKind::Usage, what, "refresh them in several requests"));
    }
    let errors = names.iter().filter_map(|name| keys.locate(name).err());
    let invalid = errors.filter(|error| error.kind() == ErrorKind::Usage).map(Failure::from);
    match invalid.reduce(Failure::and) {
        Some(failure) => Err(failure),
        None => Ok(Some(names)),
    }
}

/// Refreshes the names, and records the first error as the outcome of the operation.
async fn run(app: &App, names: Option<Vec<String>>) -> Vec<RefreshOutcome> {
    let label = match &names {
        Some(names) => format!("{} names", names.len()),
        None => "all names".to_owned(),
    };
    let mut outcomes = Vec::new();
    let refreshed = async {
        outcomes = match names {
            Some(names) => app.keys.refresh(names).await,
            None => app.keys.refresh_all().await,
        };
        outcomes.iter().find_map(|outcome| outcome.error.clone()).map_or(Ok(()), Err)
    };
    // Each error is part of its outcome.
    let _ = Operation::native("refresh").run(app, label, refreshed).await;
    outcomes
}

impl From<RefreshOutcome> for RefreshedName {
    fn from(outcome: RefreshOutcome) -> Self {
        let RefreshOutcome { name, version_before, version_after, error, .. } = outcome;
        let error = error.map(|error| ErrorBody::from(&Failure::from(error)));
        Self { name, version_before, version_after, error }
    }
}
