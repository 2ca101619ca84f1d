//! `{mount}/data/{name}`: reads, writes and deletes versions of a secret.

use std::sync::Arc;

use axum::response::Response;
use http::header::{AGE, CACHE_CONTROL};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use km_proxy_adapter::{Document, Error, Fields, Source};
use serde::{Deserialize, Serialize};

use super::envelope::{self, Metadata};
use super::request::{EntryRequest, Verb};
use crate::commands::serve::api::Api;
use crate::commands::serve::http::{body, error_response};
use crate::commands::serve::metrics;
use crate::commands::serve::operation::Operation;
use crate::commands::serve::readiness::LastRead;

/// The header with the source of a value: `cache`, `vault` or `stale`.
const SOURCE: HeaderName = HeaderName::from_static("x-km-source");

/// The body of a write.
#[derive(Deserialize)]
struct WriteBody {
    data: Option<Fields>,
    options: Option<Options>,
}

#[derive(Deserialize)]
struct Options {
    cas: Option<u64>,
}

#[derive(Serialize)]
struct Version<'a, D> {
    data: D,
    metadata: Metadata<'a>,
}

/// Handles a request for a secret's data.
pub(super) async fn handle(request: EntryRequest) -> Response {
    match request.verb {
        Verb::Get => read(request).await,
        Verb::Write => Box::pin(write(request)).await,
        Verb::Delete => Box::pin(delete(request)).await,
        Verb::List => envelope::unsupported(),
    }
}

async fn read(request: EntryRequest) -> Response {
    let EntryRequest { app, entry, name, version, client, request, .. } = request;
    let operation = Operation::vault("read");
    let read = match version {
        None | Some(0) if requires_refresh(request.headers()) => {
            operation.run(&app, &name, Box::pin(entry.refresh())).await
        }
        // In Vault's API, 0 means the latest version.
        None | Some(0) => operation.run(&app, &name, entry.read()).await,
        Some(version) => operation.run(&app, &name, Box::pin(entry.read_version(version))).await,
    };
    match read {
        Ok(document) => {
            metrics::read(document.source());
            let version = Some(document.metadata().version);
            operation.audit_read(&client, &name, document.source(), version);
            if document.source() == Source::Vault {
                app.readiness.record_read(LastRead::Path(name));
            }
            version_response(&document)
        }
        Err(error) => envelope::failed(&error),
    }
}

/// Returns whether the client refuses a value that was cached before its request. See
/// [RFC 9111](https://www.rfc-editor.org/rfc/rfc9111#section-5.2.1.4).
fn requires_refresh(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(','));
    directives.any(|directive| directive.trim().eq_ignore_ascii_case("no-cache"))
}

fn version_response(document: &Document) -> Response {
    let fields = document.fields();
    let version = Version { data: fields.expose(), metadata: document.metadata().into() };
    let mut response = envelope::data(StatusCode::OK, version, "kv");
    let source = HeaderValue::from_static(document.source().as_str());
    response.headers_mut().insert(SOURCE, source);
    response.headers_mut().insert(AGE, HeaderValue::from(document.age().as_secs()));
    response
}

async fn write(request: EntryRequest) -> Response {
    let EntryRequest { app, entry, name, client, request, .. } = request;
    let bytes = match body::read(request.into_body()).await {
        Ok(bytes) => bytes,
        Err((status, failure)) => return error_response::response(Api::Vault, status, &failure),
    };
    // Serde's message is dropped because it may quote the secret.
    let Ok(WriteBody { data, options }) = serde_json::from_slice(&bytes) else {
        return envelope::bad_request(
            "failed to parse JSON input: expected an object with data and options",
        );
    };
    drop(bytes);
    let Some(fields) = data else {
        return envelope::bad_request("no data provided");
    };
    let cas = options.and_then(|options| options.cas);
    let operation = Operation::vault("write");
    let shared = Arc::clone(&app);
    let written = app.run_to_completion(async move {
        let written = operation.run(&shared, &name, Box::pin(entry.write(&fields, cas))).await?;
        let path = format_args!("{}/data/{name}", shared.mount);
        operation.audit_change(&client, path, Some(written.version));
        Ok::<_, Error>(written)
    });
    match written.await {
        Some(Ok(metadata)) => envelope::data(StatusCode::OK, Metadata::from(&metadata), "kv"),
        Some(Err(error)) => envelope::failed(&error),
        None => envelope::interrupted(),
    }
}

async fn delete(request: EntryRequest) -> Response {
    let EntryRequest { app, entry, name, client, .. } = request;
    let operation = Operation::vault("delete");
    let shared = Arc::clone(&app);
    let deleted = app.run_to_completion(async move {
        operation.run(&shared, &name, Box::pin(entry.delete())).await?;
        operation.audit_change(&client, format_args!("{}/data/{name}", shared.mount), None);
        Ok::<_, Error>(())
    });
    envelope::no_content(deleted.await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_directive_no_cache_requires_a_refresh() {
        for (values, expected) in [
            (&[][..], false),
            (&["no-cache"], true),
            (&["No-Cache"], true),
            (&["max-age=0, no-cache"], true),
            (&["max-age=0", " no-cache ,x"], true),
            (&["max-age=0"], false),
            (&["no-store"], false),
            (&["no-cachet"], false),
            (&["no-cache=x"], false),
            (&[""], false),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CACHE_CONTROL, HeaderValue::from_static(value));
            }
            assert_eq!(requires_refresh(&headers), expected, "{values:?}");
        }
    }
}
