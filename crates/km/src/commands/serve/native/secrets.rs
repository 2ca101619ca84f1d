//! `GET /km/v1/secrets/{name}`, with `?refresh=true` and `?unless_version=N`.

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::response::Response;
use http::{Method, StatusCode};
use km_proxy_adapter::{Error, ErrorKind, KeyManager, Refresh, RefreshedSecret, Secret, Source};
use serde::{Deserialize, Serialize};

use super::request::{GUIDE, method_not_allowed, path_after};
use crate::commands::serve::app::App;
use crate::commands::serve::http::{error_response, json};
use crate::commands::serve::metrics;
use crate::commands::serve::operation::Operation;
use crate::commands::serve::peer::Peer;
use crate::commands::serve::readiness::LastRead;
use crate::error::{ErrorBody, Failure};

const PREFIX: &str = "/km/v1/secrets/";

#[derive(Serialize)]
struct Document<'a> {
    value: &'a str,
    version: Option<u64>,
    age_seconds: u64,
    stale: bool,
    /// The source, as in the header `X-Km-Source` of the Vault API.
    source: &'static str,
    /// The error of a refresh that failed, so that the value is an older one.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_error: Option<ErrorBody>,
}

/// The query parameters.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct QueryParameters {
    refresh: Option<bool>,
    unless_version: Option<u64>,
}

/// Responds with the value of a provider secret.
pub(crate) async fn secret(State(app): State<Arc<App>>, request: Request) -> Response {
    if request.method() != Method::GET {
        return method_not_allowed().await;
    }
    let (name, refresh) = match parse(&request) {
        Ok(parsed) => parsed,
        Err(failure) => return error_response::native(&failure),
    };
    let operation = Operation::native("read");
    let read = match refresh {
        None => {
            let secret = operation.run(&app, &name, app.keys.secret(&name)).await;
            secret.map(|secret| (secret, None))
        }
        Some(refresh) => {
            operation.run(&app, &name, Box::pin(read_again(&app.keys, &name, refresh))).await
        }
    };
    let (secret, refresh_error) = match read {
        Ok(read) => read,
        Err(error) => return error_response::native(&error.into()),
    };
    metrics::read(secret.source());
    operation.audit_read(&Peer::of(&request), &name, secret.source(), secret.version());
    if secret.source() == Source::Vault {
        app.readiness.record_read(LastRead::Name(name));
    }
    let document = Document {
        value: secret.expose(),
        version: secret.version(),
        age_seconds: secret.age().unwrap_or_default().as_secs(),
        stale: secret.source() == Source::Stale,
        source: secret.source().as_str(),
        refresh_error: refresh_error.map(|error| ErrorBody::from(&Failure::from(error))),
    };
    json::response(StatusCode::OK, &document)
}

/// Returns the name, and whether it is refreshed before it is read.
fn parse(request: &Request) -> Result<(String, Option<Refresh>), Failure> {
    let name = path_after(PREFIX, request)?;
    let query = Query::<QueryParameters>::try_from_uri(request.uri());
    let refresh = query.map_err(drop).and_then(|Query(query)| query.refresh()).map_err(|()| {
        let what = "usage: invalid query: the parameters are refresh=true or refresh=false, \
                        and unless_version=VERSION, which excludes refresh=false";
        Failure::new(ErrorKind::Usage, what, GUIDE)
    })?;
    Ok((name, refresh))
}

impl QueryParameters {
    /// Returns the refresh that the parameters select, or an error if they contradict each other.
    fn refresh(&self) -> Result<Option<Refresh>, ()> {
        match (self.refresh, self.unless_version) {
            (None | Some(false), None) => Ok(None),
            (Some(true), None) => Ok(Some(Refresh::Always)),
            (None | Some(true), Some(version)) => Ok(Some(Refresh::OfVersion(version))),
            (Some(false), Some(_)) => Err(()),
        }
    }
}

/// Refreshes a name and reads it. Returns the error of the refresh beside an older value.
async fn read_again(
    keys: &KeyManager,
    name: &str,
    refresh: Refresh,
) -> Result<(Secret, Option<Error>), Error> {
    let RefreshedSecret { secret, refresh_error, .. } =
        keys.refreshed_secret(name, refresh).await?;
    Ok((secret, refresh_error))
}
