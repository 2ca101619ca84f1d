//! A Rust gateway that embeds the key manager and serves repeated reads from the cache.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use km_proxy_adapter::{KeyManager, Source, VaultValidator};
use km_settings::{Settings, Sources};
use testkit::{Server, unique};

use crate::operator::{Gateway, NAME};
use crate::show::{claim, heading, text};
use crate::verify::Verifier;

/// Reads twice. The server has another value by the second read, which proves that it is a cache
/// hit.
pub(crate) async fn read_twice(
    server: &Server,
    gateway: &Gateway,
    verifier: &Verifier<'_>,
) -> Result<()> {
    heading("Read the key in a gateway that embeds the key manager");
    let env = environment(gateway);
    let sources = Sources { env: &env, yaml: None, validator: &VaultValidator };
    let keys = KeyManager::connect_with(Settings::from_sources(&sources)?, env.clone()).await?;

    let first = keys.secret(&format!("os.environ/{NAME}")).await?;
    ensure!(first.expose() == gateway.value, "the first read returned another value");
    ensure!(first.source() == Source::Vault, "the first read was not from Vault");
    text(&format!("first read: source {:?}, version {:?}", first.source(), first.version()));

    let rotated = format!("sk-demo-{}", unique());
    put(server, &rotated).await?;
    verifier.is_stored(&rotated).await?;
    let again = keys.secret(NAME).await?;
    ensure!(again.expose() == gateway.value, "the second read returned another value");
    ensure!(again.source() == Source::Cache, "the second read was not a cache hit");
    text(&format!(
        "second read: source {:?}, age {:?}",
        again.source(),
        again.age().unwrap_or_default()
    ));
    claim(
        "the second read is a cache hit: the server already has another value, as its command line shows",
    );

    put(server, &gateway.value).await?;
    verifier.is_stored(&gateway.value).await
}

fn environment(gateway: &Gateway) -> BTreeMap<String, String> {
    let lines = gateway.env_block.lines().filter_map(|line| line.split_once('='));
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

async fn put(server: &Server, value: &str) -> Result<()> {
    server.cli_with_input(&["kv", "put", "-mount=secret", NAME, "key=-"], value).await.map(drop)
}
