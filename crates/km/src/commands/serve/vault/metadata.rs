//! `{mount}/metadata/{name}`: lists names; reads, writes and deletes the metadata of a secret.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use km_proxy_adapter::{Error, MetadataUpdate, SecretMetadata, Source};
use serde::{Deserialize, Serialize};

use super::envelope;
use super::request::{EntryRequest, Verb};
use crate::commands::serve::api::Api;
use crate::commands::serve::http::{body, error_response};
use crate::commands::serve::operation::Operation;

/// The body of a write.
#[derive(Deserialize)]
struct WriteBody {
    max_versions: Option<u64>,
    cas_required: Option<bool>,
    delete_version_after: Option<String>,
    custom_metadata: Option<BTreeMap<String, String>>,
    metadata_cas: Option<u64>,
}

/// Handles a request for a secret's metadata.
pub(super) async fn handle(request: EntryRequest) -> Response {
    match request.verb {
        Verb::List => list(request).await,
        Verb::Get => read(request).await,
        Verb::Write => write(request).await,
        Verb::Delete => remove(request).await,
    }
}

async fn list(request: EntryRequest) -> Response {
    #[derive(Serialize)]
    struct Names {
        keys: Vec<String>,
    }
    let EntryRequest { app, entry, name, client, .. } = request;
    let operation = Operation::vault("list");
    match operation.run(&app, &name, entry.list()).await {
        Ok(keys) if keys.is_empty() => envelope::not_found(),
        Ok(keys) => {
            operation.audit_read(&client, &name, Source::Vault, None);
            envelope::data(StatusCode::OK, Names { keys }, "kv")
        }
        Err(error) => envelope::failed(&error),
    }
}

async fn read(request: EntryRequest) -> Response {
    let EntryRequest { app, entry, name, client, .. } = request;
    let operation = Operation::vault("read_metadata");
    match operation.run(&app, &name, entry.metadata()).await {
        Ok(metadata) => {
            let version = Some(metadata.current_version);
            operation.audit_read(&client, &name, Source::Vault, version);
            envelope::data(StatusCode::OK, Document::from(&metadata), "kv")
        }
        Err(error) => envelope::failed(&error),
    }
}

async fn write(request: EntryRequest) -> Response {
    let EntryRequest { app, entry, name, client, request, .. } = request;
    let bytes = match body::read(request.into_body()).await {
        Ok(bytes) => bytes,
        Err((status, failure)) => return error_response::response(Api::Vault, status, &failure),
    };
    let Ok(body) = serde_json::from_slice::<WriteBody>(&bytes) else {
        return envelope::bad_request(
            "failed to parse JSON input: expected an object with metadata",
        );
    };
    let mut update = MetadataUpdate::new();
    update.max_versions = body.max_versions;
    update.cas_required = body.cas_required;
    update.delete_version_after = body.delete_version_after;
    update.custom_metadata = body.custom_metadata;
    update.metadata_cas = body.metadata_cas;
    let operation = Operation::vault("write_metadata");
    let shared = Arc::clone(&app);
    let written = app.run_to_completion(async move {
        operation.run(&shared, &name, Box::pin(entry.put_metadata(&update))).await?;
        operation.audit_change(&client, format_args!("{}/metadata/{name}", shared.mount), None);
        Ok::<_, Error>(())
    });
    envelope::no_content(written.await)
}

async fn remove(request: EntryRequest) -> Response {
    let EntryRequest { app, entry, name, client, .. } = request;
    let operation = Operation::vault("remove");
    let shared = Arc::clone(&app);
    let removed = app.run_to_completion(async move {
        operation.run(&shared, &name, Box::pin(entry.delete_metadata())).await?;
        operation.audit_change(&client, format_args!("{}/metadata/{name}", shared.mount), None);
        Ok::<_, Error>(())
    });
    envelope::no_content(removed.await)
}

/// The metadata of a secret as Vault serializes it.
#[derive(Serialize)]
struct Document<'a> {
    cas_required: bool,
    created_time: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_metadata_version: Option<u64>,
    current_version: u64,
    custom_metadata: Option<&'a BTreeMap<String, String>>,
    delete_version_after: &'a str,
    max_versions: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata_cas_required: Option<bool>,
    oldest_version: u64,
    updated_time: &'a str,
    versions: BTreeMap<u64, Version<'a>>,
}

#[derive(Serialize)]
struct Version<'a> {
    created_time: &'a str,
    deletion_time: &'a str,
    destroyed: bool,
}

impl<'a> From<&'a SecretMetadata> for Document<'a> {
    fn from(metadata: &'a SecretMetadata) -> Self {
        let custom = &metadata.custom_metadata;
        let versions = metadata.versions.iter().map(|(number, version)| {
            let version = Version {
                created_time: &version.created_time,
                deletion_time: version.deletion_time.as_deref().unwrap_or_default(),
                destroyed: version.destroyed,
            };
            (*number, version)
        });
        Self {
            cas_required: metadata.cas_required,
            created_time: &metadata.created_time,
            current_metadata_version: metadata.current_metadata_version,
            current_version: metadata.current_version,
            custom_metadata: (!custom.is_empty()).then_some(custom),
            delete_version_after: &metadata.delete_version_after,
            max_versions: metadata.max_versions,
            metadata_cas_required: metadata.metadata_cas_required,
            oldest_version: metadata.oldest_version,
            updated_time: &metadata.updated_time,
            versions: versions.collect(),
        }
    }
}
