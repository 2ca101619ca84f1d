//! `…/metadata/…`: lists, and what is known about a secret.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use km_proxy_adapter::{Error, MetadataUpdate, SecretMetadata, Source};
use serde::{Deserialize, Serialize};

use super::envelope;
use super::{Call, Verb};
use crate::commands::serve::http::body;
use crate::commands::serve::operation::Operation;

/// What may be set.
#[derive(Deserialize)]
struct Given {
    max_versions: Option<u64>,
    cas_required: Option<bool>,
    delete_version_after: Option<String>,
    custom_metadata: Option<BTreeMap<String, String>>,
}

/// Answers it.
pub(super) async fn answer(call: Call) -> Response {
    match call.verb {
        Verb::List => list(call).await,
        Verb::Get => read(call).await,
        Verb::Write => write(call).await,
        Verb::Delete => remove(call).await,
    }
}

async fn list(call: Call) -> Response {
    #[derive(Serialize)]
    struct Names {
        keys: Vec<String>,
    }
    let operation = Operation::vault("list");
    match operation.run(&call.app, &call.place, call.entry.list()).await {
        Ok(keys) if keys.is_empty() => envelope::missing(),
        Ok(keys) => {
            operation.audit_read(&call.peer, &call.place, Source::Vault, None);
            envelope::data(StatusCode::OK, Names { keys }, "kv")
        }
        Err(error) => envelope::failed(&error),
    }
}

async fn read(call: Call) -> Response {
    let operation = Operation::vault("read_metadata");
    match operation.run(&call.app, &call.place, call.entry.metadata()).await {
        Ok(metadata) => {
            let version = Some(metadata.current_version);
            operation.audit_read(&call.peer, &call.place, Source::Vault, version);
            envelope::data(StatusCode::OK, Shown::from(&metadata), "kv")
        }
        Err(error) => envelope::failed(&error),
    }
}

async fn write(call: Call) -> Response {
    let Call { app, entry, place, peer, request, .. } = call;
    let bytes = match body::read(request.into_body()).await {
        Ok(bytes) => bytes,
        Err((status, failure)) => return envelope::refused(status, &failure),
    };
    let Ok(given) = serde_json::from_slice::<Given>(&bytes) else {
        return envelope::bad_request("failed to parse JSON input: no object of metadata");
    };
    let update = MetadataUpdate {
        max_versions: given.max_versions,
        cas_required: given.cas_required,
        delete_version_after: given.delete_version_after,
        custom_metadata: given.custom_metadata,
    };
    let operation = Operation::vault("write_metadata");
    let shared = Arc::clone(&app);
    let written = app.to_its_end(async move {
        operation.run(&shared, &place, Box::pin(entry.put_metadata(&update))).await?;
        operation.audit(&peer, format_args!("{}/metadata/{place}", shared.mount), None);
        Ok::<_, Error>(())
    });
    envelope::ended(written.await)
}

async fn remove(call: Call) -> Response {
    let Call { app, entry, place, peer, .. } = call;
    let operation = Operation::vault("remove");
    let shared = Arc::clone(&app);
    let removed = app.to_its_end(async move {
        operation.run(&shared, &place, Box::pin(entry.delete_metadata())).await?;
        operation.audit(&peer, format_args!("{}/metadata/{place}", shared.mount), None);
        Ok::<_, Error>(())
    });
    envelope::ended(removed.await)
}

/// Metadata in Vault's form.
#[derive(Serialize)]
struct Shown<'a> {
    cas_required: bool,
    created_time: &'a str,
    current_version: u64,
    custom_metadata: Option<&'a BTreeMap<String, String>>,
    delete_version_after: &'a str,
    max_versions: u64,
    oldest_version: u64,
    updated_time: &'a str,
    versions: BTreeMap<u64, State<'a>>,
}

#[derive(Serialize)]
struct State<'a> {
    created_time: &'a str,
    deletion_time: &'a str,
    destroyed: bool,
}

impl<'a> From<&'a SecretMetadata> for Shown<'a> {
    fn from(metadata: &'a SecretMetadata) -> Self {
        let custom = &metadata.custom_metadata;
        let versions = metadata.versions.iter().map(|(version, state)| {
            let state = State {
                created_time: &state.created_time,
                deletion_time: state.deletion_time.as_deref().unwrap_or_default(),
                destroyed: state.destroyed,
            };
            (*version, state)
        });
        Self {
            cas_required: metadata.cas_required,
            created_time: &metadata.created_time,
            current_version: metadata.current_version,
            custom_metadata: (!custom.is_empty()).then_some(custom),
            delete_version_after: &metadata.delete_version_after,
            max_versions: metadata.max_versions,
            oldest_version: metadata.oldest_version,
            updated_time: &metadata.updated_time,
            versions: versions.collect(),
        }
    }
}
