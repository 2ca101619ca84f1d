//! The key manager against the server: who is asked for a name, what is remembered, what is told.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod cache;
mod check;
mod doors;
mod failures;
mod freshness;
mod life;
mod names;
mod outage;
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

/// A key manager of the settings in `env`, with `behind` to fall back to.
async fn keys_of(env: &BTreeMap<String, String>, behind: impl Env + 'static) -> Result<KeyManager> {
    let sources = Sources { env, yaml: None, rules: &VaultValidator };
    Ok(KeyManager::connect_with(Settings::from_sources(&sources)?, behind).await?)
}

/// The fixture's settings with these in place of theirs; an empty value counts as not set.
async fn keys(fixture: &Fixture, settings: &[(&str, &str)]) -> Result<KeyManager> {
    keys_before(fixture, settings, BTreeMap::<String, String>::new()).await
}

/// The same with an environment to fall back to.
async fn keys_before(
    fixture: &Fixture,
    settings: &[(&str, &str)],
    behind: impl Env + 'static,
) -> Result<KeyManager> {
    let mut env = environment(fixture);
    env.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    keys_of(&env, behind).await
}

/// Reads, and searches what came of it for secrets.
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

/// Fails unless the read fails in this way.
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
