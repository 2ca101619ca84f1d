//! Reads during elections: the leader of a real cluster steps down repeatedly.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use vault_http::DEFAULT_DEADLINE;
use vault_kv::{Error, Kv, SecretPath};

use super::{cluster, kv_through, replicated};
use crate::product::{figure, path};
use crate::relay::Relay;

const BETWEEN_READS: Duration = Duration::from_millis(50);
/// Healthy time between two elections. It refills the retry budget.
const BETWEEN_ELECTIONS: Duration = Duration::from_secs(15);
/// Requests allowed beyond 1.1 per read: the reserve of retries, and the login.
const RESERVE: usize = 12 + 2;

#[tokio::test]
async fn reads_through_a_standby_survive_step_downs() -> Result<()> {
    ride_out(3).await
}

async fn ride_out(step_downs: usize) -> Result<()> {
    let cluster = cluster().await?;
    let leader = cluster.leader().await?;
    let [near, _] = cluster.others(leader)[..] else { bail!("not three nodes") };
    let fixture = cluster.node(leader).fixture().await?;
    fixture.put("steady", json!({ "key": "v" })).await?;
    replicated(&cluster, &fixture, "steady").await?;
    let relay = Relay::to(cluster.address(near), "").await?;
    let kv = kv_through(relay.address(), &fixture, DEFAULT_DEADLINE)?;
    kv.read(&path("steady")?).await?;

    let (mut reader, stop) = (JoinSet::new(), Arc::new(Notify::new()));
    reader.spawn(read_until(kv, path("steady")?, Arc::clone(&stop)));
    for _ in 0..step_downs {
        sleep(BETWEEN_ELECTIONS).await;
        cluster.leader().await?;
        cluster.step_down().await?;
    }
    sleep(BETWEEN_ELECTIONS).await;
    stop.notify_one();
    let reads = reader.join_next().await.into_iter().collect::<Result<Vec<_>, _>>()?.concat();

    let failed: Vec<_> = reads.iter().filter_map(|(outcome, _)| outcome.as_ref().err()).collect();
    let slowest = reads.iter().map(|(_, took)| *took).max().unwrap_or_default();
    let (asked, sent) = (reads.len(), relay.requests());
    figure(&format!(
        "{step_downs} step-downs: {asked} reads, {} failed, {sent} requests, slowest {slowest:?}",
        failed.len()
    ));
    for error in &failed {
        fixture.watch.error(*error);
    }
    assert!(failed.is_empty(), "{failed:?}");
    assert!(sent <= asked * 11 / 10 + RESERVE, "{sent} requests for {asked} reads");
    Ok(())
}

/// Starts reads at a steady rate until `stop` is notified. Returns the outcome and duration of each.
async fn read_until(
    kv: Kv,
    path: SecretPath,
    stop: Arc<Notify>,
) -> Vec<(Result<(), Error>, Duration)> {
    let mut ticks = interval(BETWEEN_READS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reads = JoinSet::new();
    let stopped = stop.notified();
    tokio::pin!(stopped);
    loop {
        tokio::select! {
            () = &mut stopped => return reads.join_all().await,
            _ = ticks.tick() => {}
        }
        let (kv, path) = (kv.clone(), path.clone());
        reads.spawn(async move {
            let started = Instant::now();
            let outcome = kv.read(&path).await.map(drop);
            (outcome, started.elapsed())
        });
    }
}

/// Run by `cargo xtask test --slow`.
mod slow {
    use super::*;

    #[tokio::test]
    #[ignore = "takes 14 minutes: cargo xtask test --slow"]
    async fn reads_through_a_standby_survive_fifty_step_downs() -> Result<()> {
        ride_out(50).await
    }
}
