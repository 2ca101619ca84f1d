//! Many tokens that reach their maximum TTL under load.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use testkit::{FixtureSpec, Server};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};
use vault_kv::Kv;

use crate::product::{approle, auth, figure, kv_by, path};

/// The number of token sources, whose rollovers add up.
const SOURCES: usize = 20;
const ROLLOVERS: u64 = 100;
/// The most concurrent reads, so that a machine that was busy is not flooded afterwards.
const AT_ONCE: usize = 32;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundred_rollovers_under_a_thousand_requests_a_second_fail_none() -> Result<()> {
    let role = json!({ "token_ttl": "2s", "token_max_ttl": "3s" });
    let spec = FixtureSpec { role: Some(role), ..FixtureSpec::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    fixture.put("name", json!({ "key": "v" })).await?;
    let sources: Vec<_> =
        (0..SOURCES).map(|_| auth(&fixture, approle(&fixture)?)).collect::<Result<_>>()?;
    let engines: Vec<Kv> =
        sources.iter().map(|auth| kv_by(&fixture, auth)).collect::<Result<_>>()?;
    for auth in &sources {
        auth.ready().await?;
    }
    let logins = || sources.iter().map(|auth| auth.status().counts.logins).sum::<u64>();
    let (name, begun, mut reads) = (path("name")?, Instant::now(), JoinSet::new());
    // Late reads are made up for, so that the rate is a thousand a second.
    let mut pace = interval(Duration::from_millis(1));
    let (turns, mut sent) = (Arc::new(Semaphore::new(AT_ONCE)), 0_usize);
    while logins() < SOURCES as u64 + ROLLOVERS {
        pace.tick().await;
        let turn = Arc::clone(&turns).acquire_owned().await?;
        let (kv, name) = (engines[sent % SOURCES].clone(), name.clone());
        reads.spawn(async move {
            let _turn = turn;
            kv.read(&name).await.map(|secret| secret.metadata.version)
        });
        sent += 1;
        while let Some(read) = reads.try_join_next() {
            assert_eq!(read??, 1);
        }
    }
    let took = begun.elapsed();
    while let Some(read) = reads.join_next().await {
        assert_eq!(read??, 1);
    }
    figure(&format!("{sent} reads over {ROLLOVERS} rollovers in {took:?}, none failed"));
    // Each source has replaced its tokens.
    assert!(sources.iter().all(|auth| auth.status().counts.logins > 2));
    Ok(())
}
