//! `…/data/…`: versions of a secret.

use std::sync::Arc;

use axum::response::Response;
use http::header::AGE;
use http::{HeaderName, HeaderValue, StatusCode};
use km_proxy_adapter::{Document, Error, Fields, Source};
use serde::{Deserialize, Serialize};

use super::envelope::{self, Metadata};
use super::{Call, Verb};
use crate::commands::serve::operation::Operation;
use crate::commands::serve::readiness::Served;
use crate::commands::serve::{http::body, metrics};

const SOURCE: HeaderName = HeaderName::from_static("x-km-source");

/// What a write says.
#[derive(Deserialize)]
struct Given {
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

/// Answers it.
pub(super) async fn answer(call: Call) -> Response {
    match call.verb {
        Verb::Get => read(call).await,
        Verb::Write => Box::pin(write(call)).await,
        Verb::Delete => Box::pin(delete(call)).await,
        Verb::List => envelope::unsupported(),
    }
}

async fn read(call: Call) -> Response {
    let Call { app, entry, place, query, peer, .. } = call;
    let operation = Operation::vault("read");
    let read = match query.version {
        // Vault's own word for the latest one is 0.
        None | Some(0) => operation.run(&app, &place, entry.read()).await,
        Some(version) => operation.run(&app, &place, Box::pin(entry.read_version(version))).await,
    };
    match read {
        Ok(document) => {
            metrics::read(document.source());
            let version = Some(document.metadata().version);
            operation.audit_read(&peer, &place, document.source(), version);
            if document.source() == Source::Vault {
                app.ready.served(|| Served::Path(place));
            }
            shown(&document)
        }
        Err(error) => envelope::failed(&error),
    }
}

fn shown(document: &Document) -> Response {
    let fields = document.fields();
    let version = Version { data: fields.expose(), metadata: document.metadata().into() };
    let mut answer = envelope::data(StatusCode::OK, version, "kv");
    let source = HeaderValue::from_static(metrics::name(document.source()));
    answer.headers_mut().insert(SOURCE, source);
    answer.headers_mut().insert(AGE, HeaderValue::from(document.age().as_secs()));
    answer
}

async fn write(call: Call) -> Response {
    let Call { app, entry, place, peer, request, .. } = call;
    let bytes = match body::read(request.into_body()).await {
        Ok(bytes) => bytes,
        Err((status, failure)) => return envelope::refused(status, &failure),
    };
    // Serde's own words may quote what it read.
    let Ok(Given { data, options }) = serde_json::from_slice(&bytes) else {
        return envelope::bad_request("failed to parse JSON input: no object of data and options");
    };
    drop(bytes);
    let Some(fields) = data else {
        return envelope::bad_request("no data provided");
    };
    let cas = options.and_then(|options| options.cas);
    let operation = Operation::vault("write");
    let shared = Arc::clone(&app);
    let written = app.to_its_end(async move {
        let written = operation.run(&shared, &place, Box::pin(entry.write(&fields, cas))).await?;
        operation.audit(
            &peer,
            format_args!("{}/data/{place}", shared.mount),
            Some(written.version),
        );
        Ok::<_, Error>(written)
    });
    match written.await {
        Some(Ok(metadata)) => envelope::data(StatusCode::OK, Metadata::from(&metadata), "kv"),
        Some(Err(error)) => envelope::failed(&error),
        None => envelope::broken_off(),
    }
}

async fn delete(call: Call) -> Response {
    let Call { app, entry, place, peer, .. } = call;
    let operation = Operation::vault("delete");
    let shared = Arc::clone(&app);
    let deleted = app.to_its_end(async move {
        operation.run(&shared, &place, Box::pin(entry.delete())).await?;
        operation.audit(&peer, format_args!("{}/data/{place}", shared.mount), None);
        Ok::<_, Error>(())
    });
    envelope::ended(deleted.await)
}
