//! A cluster of three real nodes that loses one of them: how the product behaves, and that none of
//! its results was wrong.

mod election;
mod history;
mod late;
mod load;
mod lost;
mod redirect;
mod sealed;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::{Cluster, Fixture, Flavor, Raw};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};
use tokio::time::{Instant, sleep, timeout};
use vault_auth::Auth;
use vault_http::Session;
use vault_kv::{Kv, Mount};

use crate::product::{approle, builder};

/// The time within which a new leader serves. An election after a crash takes about ten seconds.
const ELECTED_WITHIN: Duration = Duration::from_secs(45);
const POLL: Duration = Duration::from_millis(10);
/// The time within which a node responds, unless it is suspended.
const SAYS_WITHIN: Duration = Duration::from_millis(500);

/// The header that makes a standby redirect in place of forwarding.
const NO_FORWARDING: &str = "X-Vault-No-Request-Forwarding";

/// The cluster, repaired, for one test at a time: starting one takes longer than repairing one.
async fn cluster() -> Result<MappedMutexGuard<'static, Cluster>> {
    static CLUSTER: Mutex<Option<Cluster>> = Mutex::const_new(None);
    let mut held = CLUSTER.lock().await;
    match held.as_mut() {
        Some(cluster) => cluster.heal().await.context("the test before left it broken")?,
        None => *held = Some(Cluster::start().await?),
    }
    MutexGuard::try_map(held, Option::as_mut).ok().context("there is no cluster")
}

/// Returns the fixture's mount through the node at `address`, with a login of its own.
fn kv_through(address: &str, fixture: &Fixture, deadline: Duration) -> Result<Kv> {
    let client = || Ok::<_, anyhow::Error>(builder(address)?.deadline(deadline).build()?);
    let auth = Auth::new(client()?, approle(fixture)?);
    Ok(Kv::new(Session::new(client()?, auth), Mount::new(&fixture.mount)?))
}

/// Waits until the standbys of OpenBao have the first version of secret `name` and all that was
/// written before it. A standby that is behind rejects a login of a new role, and does not ask the
/// active node.
async fn replicated(cluster: &Cluster, fixture: &Fixture, name: &str) -> Result<()> {
    if fixture.server().flavor() == Flavor::OpenBao {
        let place = format!("{}/data/{name}", fixture.mount);
        for standby in cluster.others(cluster.leader().await?) {
            caught_up(cluster.raw(standby), &place, fixture.server().root_token(), 1).await?;
        }
    }
    Ok(())
}

/// Waits until a standby of OpenBao has a version. Before, it rejects a check-and-set of it, and does
/// not ask the active node.
async fn caught_up(standby: &Raw, place: &str, token: &str, version: u64) -> Result<()> {
    let deadline = Instant::now() + ELECTED_WITHIN;
    let headers = [("X-Vault-Token", token), (NO_FORWARDING, "true")];
    loop {
        let (_, body) = standby.exchange("GET", place, &headers, None).await?;
        if body.pointer("/data/metadata/version") == Some(&version.into()) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "the standby is behind: {body}");
        sleep(POLL).await;
    }
}

/// Returns the status of a node's own response to a read, without forwarding.
async fn own_status(node: &Raw, path: &str, token: &str) -> Option<u16> {
    let headers = [("X-Vault-Token", token), (NO_FORWARDING, "true")];
    let asked = node.exchange("GET", path, &headers, None);
    timeout(SAYS_WITHIN, asked).await.ok()?.ok().map(|(status, _)| status)
}

/// Returns whether a node reports to be the leader. A standby of OpenBao serves reads too.
async fn is_leader(node: &Raw) -> bool {
    let asked = node.call("GET", "sys/health", None, None);
    matches!(timeout(SAYS_WITHIN, asked).await, Ok(Ok((200, _))))
}

/// Waits until one of these nodes serves a read as the leader, and returns that time.
async fn served_by(nodes: &[Raw], path: &str, token: &str) -> Result<Instant> {
    let deadline = Instant::now() + ELECTED_WITHIN;
    loop {
        for node in nodes {
            if is_leader(node).await && own_status(node, path, token).await == Some(200) {
                return Ok(Instant::now());
            }
        }
        ensure!(Instant::now() < deadline, "no leader");
        sleep(POLL).await;
    }
}
