//! The client library vaultrs against the Vault API, configured by address and token alone.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use anyhow::{Result, bail, ensure};
use rustls::crypto::ring;
use serde_json::{Value, json};
use testkit::{Fixture, FixtureSpec, Server, secret};
use vaultrs::api::kv2::requests::{SetSecretMetadataRequestBuilder, SetSecretRequestOptions};
use vaultrs::client::{Client as _, VaultClient, VaultClientSettingsBuilder};
use vaultrs::error::ClientError;
use vaultrs::sys::ServerStatus;
use vaultrs::{kv2, sys, token};

use crate::serve::sidecar::Sidecar;

type Fields = BTreeMap<String, String>;

/// Returns a client of the sidecar that takes nothing from the environment.
fn client(sidecar: &Sidecar, token: &str, namespace: Option<&str>) -> Result<VaultClient> {
    // The client needs a TLS provider even for plain HTTP. Another test may have installed it.
    let _ = ring::default_provider().install_default();
    let settings = VaultClientSettingsBuilder::default()
        .address(format!("http://{}", sidecar.address))
        .token(token)
        .namespace(namespace.map(str::to_owned))
        .ca_certs(Vec::new())
        .identity(None)
        .verify(true)
        .build()?;
    let mut client = VaultClient::new(settings)?;
    client.http.http = reqwest::Client::builder().no_proxy().build()?;
    Ok(client)
}

/// Returns a client with the sidecar's token.
fn authenticated(sidecar: &Sidecar) -> Result<VaultClient> {
    client(sidecar, sidecar.token.as_deref().unwrap_or_default(), None)
}

fn fields(value: &str) -> Fields {
    [("key".to_owned(), value.to_owned())].into()
}

/// Returns the status and the messages of a Vault error.
fn api_error<T: Debug>(outcome: Result<T, ClientError>) -> Result<(u16, Vec<String>)> {
    match outcome {
        Err(ClientError::APIError { code, errors }) => Ok((code, errors)),
        other => bail!("not an API error: {other:?}"),
    }
}

/// Fails unless the error is the one that Vault returns when a policy denies a request.
fn forbidden<T: Debug>(outcome: Result<T, ClientError>) -> Result<()> {
    let (code, errors) = api_error(outcome)?;
    ensure!(code == 403, "{code}: {errors:?}");
    let first = errors.first().map(String::as_str);
    ensure!(first == Some("1 error occurred:\n\t* permission denied\n\n"), "{errors:?}");
    Ok(())
}

/// Returns the stored fields as a second client sees them.
async fn stored(fixture: &Fixture, name: &str) -> Result<Value> {
    Ok(fixture.get(name).await?.1["data"]["data"].clone())
}

async fn use_every_operation(fixture: &Fixture, sidecar: &Sidecar, name: &str) -> Result<()> {
    let (client, mount) = (authenticated(sidecar)?, fixture.mount.as_str());
    let [first, second] = ["first", "second"].map(secret);
    let written = kv2::set(&client, mount, name, &fields(&first)).await?;
    assert_eq!((written.version, written.destroyed), (1, false));
    assert_eq!(stored(fixture, name).await?, json!({ "key": first }));

    let cas = |cas| SetSecretRequestOptions { cas };
    let third = fields("third");
    let outcome = kv2::set_with_options(&client, mount, name, &third, cas(0)).await;
    let mismatch = "check-and-set parameter did not match the current version";
    assert_eq!(api_error(outcome)?, (400, vec![mismatch.to_owned()]));
    let written = kv2::set_with_options(&client, mount, name, &fields(&second), cas(1)).await?;
    assert_eq!(written.version, 2);
    assert_eq!(stored(fixture, name).await?, json!({ "key": second }));

    assert_eq!(kv2::read::<Fields>(&client, mount, name).await?, fields(&second));
    assert_eq!(kv2::read_version::<Fields>(&client, mount, name, 1).await?, fields(&first));
    let metadata = kv2::read_metadata(&client, mount, name).await?;
    assert_eq!((metadata.current_version, metadata.versions.len()), (2, 2));

    let mut update = SetSecretMetadataRequestBuilder::default();
    let owner = HashMap::from([("owner".to_owned(), "me".to_owned())]);
    update.custom_metadata(owner.clone()).max_versions(7_u64);
    kv2::set_metadata(&client, mount, name, Some(&mut update)).await?;
    let path = format!("{mount}/metadata/{name}");
    let (_, seen) = fixture.server().api("GET", &path, None).await?;
    assert_eq!(seen["data"]["custom_metadata"], json!({ "owner": "me" }));
    assert_eq!(seen["data"]["max_versions"], 7);
    let metadata = kv2::read_metadata(&client, mount, name).await?;
    assert_eq!((metadata.custom_metadata, metadata.max_versions), (Some(owner), 7));

    kv2::delete_latest(&client, mount, name).await?;
    let (status, seen) = fixture.get(name).await?;
    assert_eq!((status, seen["data"]["metadata"]["version"].as_u64()), (404, Some(2)));
    // As in Vault, this response is not a list of errors: it contains the metadata of the version.
    let outcome = kv2::read::<Fields>(&client, mount, name).await;
    assert!(matches!(outcome, Err(ClientError::RestClientError { .. })), "{outcome:?}");
    assert_eq!(kv2::read_version::<Fields>(&client, mount, name, 1).await?, fields(&first));

    kv2::delete_metadata(&client, mount, name).await?;
    assert_eq!(fixture.server().api("GET", &path, None).await?.0, 404);
    assert_eq!(api_error(kv2::read::<Fields>(&client, mount, name).await)?, (404, Vec::new()));
    Ok(())
}

#[tokio::test]
async fn vaultrs_sets_reads_lists_and_deletes() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    fixture.put("stays", json!({ "key": "v" })).await?;
    fixture.put("folder/inner", json!({ "key": "v" })).await?;
    use_every_operation(&fixture, &sidecar, "one").await?;
    use_every_operation(&fixture, &sidecar, "folder/litellm/alias").await?;
    let (client, mount) = (authenticated(&sidecar)?, fixture.mount.as_str());
    assert_eq!(kv2::list(&client, mount, "").await?, ["folder/", "stays"]);
    assert_eq!(kv2::list(&client, mount, "folder").await?, ["inner"]);
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn vaultrs_looks_up_its_token_and_health() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let client = authenticated(&sidecar)?;
    let token = token::lookup_self(&client).await?;
    assert_eq!((token.ttl, token.renewable), (0, Some(false)));
    let health = sys::health(&client).await?;
    assert_eq!((health.initialized, health.sealed, health.standby), (true, false, false));
    assert!(matches!(client.status().await?, ServerStatus::OK));
    Ok(())
}

#[tokio::test]
async fn vaultrs_receives_errors_of_vault_outside_the_location() -> Result<()> {
    let server = Server::shared().await?;
    let spec = FixtureSpec { under: Some("teams/a".to_owned()), ..FixtureSpec::default() };
    let (fixture, other) = (server.fixture_with(spec).await?, server.fixture().await?);
    let (namespace, mount) = fixture.mount.rsplit_once('/').unwrap_or_default();
    other.put("apps/one", json!({ "key": "v" })).await?;
    fixture.put("one", json!({ "key": "v" })).await?;
    fixture.put("apps/one", json!({ "key": "v" })).await?;
    let km = fixture.km().env("HCP_VAULT_SECRET_NAMESPACE", namespace);
    let km = km.env("HCP_VAULT_MOUNT_NAME", mount).env("HCP_VAULT_PATH_PREFIX", "apps");
    let sidecar = Sidecar::start(km.env("KM_ACCESS_MODE", "read_and_write"), &[]).await?;

    let plain = authenticated(&sidecar)?;
    let within = client(&sidecar, &plain.settings.token, Some(namespace))?;
    assert_eq!(kv2::read::<Fields>(&plain, &fixture.mount, "apps/one").await?, fields("v"));
    assert_eq!(kv2::read::<Fields>(&within, mount, "apps/one").await?, fields("v"));
    let absent = kv2::read::<Fields>(&within, mount, "apps/absent").await;
    assert_eq!(api_error(absent)?, (404, Vec::new()));
    assert_eq!(api_error(kv2::list(&within, mount, "apps/absent").await)?, (404, Vec::new()));

    // Another mount, the mount without its namespace, and a path outside the prefix.
    for (client, mount, name) in [
        (&plain, other.mount.as_str(), "apps/one"),
        (&plain, mount, "apps/one"),
        (&within, other.mount.as_str(), "apps/one"),
        (&within, mount, "one"),
        (&within, mount, "apps-two/one"),
    ] {
        forbidden(kv2::read::<Fields>(client, mount, name).await)?;
        forbidden(kv2::read_metadata(client, mount, name).await)?;
        forbidden(kv2::set(client, mount, name, &fields("changed")).await)?;
        forbidden(kv2::delete_latest(client, mount, name).await)?;
        forbidden(kv2::delete_metadata(client, mount, name).await)?;
    }
    forbidden(kv2::list(&within, mount, "").await)?;
    assert_eq!(stored(&fixture, "one").await?, json!({ "key": "v" }));
    assert_eq!(stored(&other, "apps/one").await?, json!({ "key": "v" }));
    assert_eq!(fixture.get("apps-two/one").await?.0, 404);
    Ok(())
}

/// The API has no endpoints except those for data and metadata.
#[tokio::test]
async fn vaultrs_receives_403_for_endpoints_that_are_not_served() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("one", json!({ "key": "v" })).await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let (client, mount) = (authenticated(&sidecar)?, fixture.mount.as_str());
    forbidden(kv2::delete_versions(&client, mount, "one", vec![1]).await)?;
    forbidden(kv2::destroy_versions(&client, mount, "one", vec![1]).await)?;
    forbidden(kv2::undelete_versions(&client, mount, "one", vec![1]).await)?;
    forbidden(kv2::config::read(&client, mount).await)?;
    forbidden(kv2::config::set(&client, mount, None).await)?;
    forbidden(sys::mount::list(&client).await)?;
    forbidden(client.renew(None).await)?;
    assert_eq!(stored(&fixture, "one").await?, json!({ "key": "v" }));
    Ok(())
}

#[tokio::test]
async fn vaultrs_without_the_token_receives_403() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("one", json!({ "key": "v" })).await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let mount = fixture.mount.as_str();
    for token in [secret("other"), String::new()] {
        let client = client(&sidecar, &token, None)?;
        let errors_of_all = [
            api_error(kv2::read::<Fields>(&client, mount, "one").await)?,
            api_error(kv2::set(&client, mount, "one", &fields("changed")).await)?,
            api_error(kv2::list(&client, mount, "").await)?,
            api_error(kv2::delete_metadata(&client, mount, "one").await)?,
            api_error(token::lookup_self(&client).await)?,
            api_error(sys::health(&client).await)?,
        ];
        for (code, errors) in errors_of_all {
            assert_eq!(code, 403, "{errors:?}");
            assert_eq!(errors, ["permission denied"]);
        }
    }
    assert_eq!(stored(&fixture, "one").await?, json!({ "key": "v" }));
    Ok(())
}
