//! The key manager against a real server: the source of a name, the cache, and errors.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod both_apis;
mod cache;
mod check;
mod failures;
mod freshness;
mod lifecycle;
mod names;
mod outage;
mod polling;
mod refresh;
mod routing;
mod values;
mod virtual_keys;
mod writing;

use std::collections::BTreeMap;

use anyhow::Result;
use km_proxy_adapter::{Error, ErrorKind, KeyManager, Secret, VaultValidator};
use km_settings::{Env, Settings, Sources};
use testkit::Fixture;

use crate::product::environment;

/// Returns a key manager with the settings in `env`, and the environment `fallback_env`.
async fn keys_of(
    env: &BTreeMap<String, String>,
    fallback_env: impl Env + 'static,
) -> Result<KeyManager> {
    let sources = Sources { env, yaml: None, validator: &VaultValidator };
    Ok(KeyManager::connect_with(Settings::from_sources(&sources)?, fallback_env).await?)
}

/// Returns the fixture's settings with these in addition. An empty value counts as not set.
async fn keys(fixture: &Fixture, settings: &[(&str, &str)]) -> Result<KeyManager> {
    keys_before(fixture, settings, BTreeMap::<String, String>::new()).await
}

/// Like [`manager`], with an environment to fall back to.
async fn keys_before(
    fixture: &Fixture,
    settings: &[(&str, &str)],
    fallback_env: impl Env + 'static,
) -> Result<KeyManager> {
    let mut env = environment(fixture);
    env.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    keys_of(&env, fallback_env).await
}

/// Reads a name, and searches the result for secrets.
async fn read(fixture: &Fixture, keys: &KeyManager, name: &str) -> Result<Secret, Error> {
    let outcome = keys.secret(name).await;
    match &outcome {
        Ok(secret) => fixture.watch.debug(secret),
        Err(error) => shows_nothing(fixture, error),
    }
    outcome
}

fn shows_nothing(fixture: &Fixture, error: &Error) {
    fixture.watch.error(error);
    fixture.watch.text("a message", &error.message());
    fixture.watch.text("a hint", error.hint().unwrap_or_default());
}

/// Fails unless the read fails with this kind.
async fn fails(
    fixture: &Fixture,
    keys: &KeyManager,
    name: &str,
    expected: ErrorKind,
) -> Result<()> {
    match read(fixture, keys, name).await {
        Ok(secret) => anyhow::bail!("{name}: {expected:?} was expected, not {secret:?}"),
        Err(error) => assert_eq!(error.kind(), expected, "{name}: {}", error.message()),
    }
    Ok(())
}
