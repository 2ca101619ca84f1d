//! The leader is lost during writes and reads, in every client in which leaders are lost.
//!
//! There are three clients: through one surviving standby with a long deadline, through the other
//! one with the default deadline, and through the lost node.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::{Access, Cluster, Fixture, Raw};
use tokio::time::{Instant, sleep};
use vault_http::DEFAULT_DEADLINE;
use vault_kv::Kv;

use super::history::{Stored, compare};
use super::load::{Client, KEYS, Load, Records, STEADY};
use super::{POLL, cluster, kv_through, replicated, served_by};
use crate::product::{figure, path, until};
use crate::relay::Relay;

/// The names of the clients.
const PATIENTLY: &str = "standby, 20 s";
const BRIEFLY: &str = "standby, 5 s";
const THERE: &str = "the node itself, 5 s";

/// Longer than an election.
const PATIENT: Duration = Duration::from_secs(20);
/// The time by which an operation may exceed its deadline, because three servers run on the same
/// cores.
const OVERTIME: Duration = Duration::from_millis(100);
const RECOVERED_WITHIN: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    Killed,
    Stopped,
    SteppedDown,
    Hung,
}

impl Loss {
    async fn inflict(self, cluster: &mut Cluster, leader: usize, records: &Records) -> Result<()> {
        match self {
            Self::Killed => cluster.kill(leader).await,
            Self::Stopped => cluster.stop(leader).await,
            Self::SteppedDown => cluster.step_down().await,
            Self::Hung => {
                cluster.freeze(leader).await?;
                // Long enough for a deadline to pass.
                let timed_out = async || Ok(records.has_seen(THERE, "read Exchange(Timeout)"));
                until("a read that times out", timed_out).await?;
                cluster.thaw(leader).await
            }
        }
    }
}

#[tokio::test]
async fn killed_leader_loses_and_duplicates_no_write() -> Result<()> {
    survives(Loss::Killed, 1_000).await
}

#[tokio::test]
async fn stopped_leader_loses_and_duplicates_no_write() -> Result<()> {
    survives(Loss::Stopped, 200).await
}

#[tokio::test]
async fn step_down_loses_and_duplicates_no_write() -> Result<()> {
    survives(Loss::SteppedDown, 200).await
}

#[tokio::test]
async fn suspended_leader_loses_no_write_and_exceeds_no_deadline() -> Result<()> {
    survives(Loss::Hung, 200).await
}

/// Half of the writes are done before the loss.
async fn survives(loss: Loss, writes: usize) -> Result<()> {
    let mut cluster = cluster().await?;
    let scene = Scene::new(&cluster, writes).await?;
    let mut load = Load::start(&scene.clients);
    load.until(writes / 2).await?;
    let began = Instant::now();
    let served = scene.lose(loss, &mut cluster, &load.records).await?;
    let recovered = recovered_through(&scene.probes).await?;
    load.until(writes).await?;
    let records = load.stop().await?;

    let (elected, recovered) = (served - began, recovered - served);
    figure(&format!("{loss:?}: a leader after {elected:?}, reads after {recovered:?} more"));
    scene.judged(&records, cluster.node(cluster.leader().await?)).await?;
    scene.count_requests(&records);
    assert!(records.overtime() <= OVERTIME, "{:?} after the deadline", records.overtime());
    assert!(recovered <= RECOVERED_WITHIN, "reads work again after {recovered:?}");
    Ok(())
}

/// The nodes of a cluster that is about to lose its leader.
struct Scene {
    leader: usize,
    /// The leader is last.
    nodes: [Raw; 3],
    fixture: Fixture,
    token: String,
    relay: Relay,
    clients: [Client; 3],
    /// Creates the surviving clients once more, with an unused retry budget.
    probes: [Kv; 2],
}

impl Scene {
    async fn new(cluster: &Cluster, writes: usize) -> Result<Self> {
        let leader = cluster.leader().await?;
        let [near, far] = cluster.others(leader)[..] else { bail!("not three nodes") };
        let fixture = prepared(cluster, leader, writes).await?;
        let relay = Relay::to(cluster.address(near), "").await?;
        let kv = |address, deadline| kv_through(address, &fixture, deadline);
        let client = |name, address, deadline| {
            Ok::<_, anyhow::Error>(Client { name, kv: kv(address, deadline)?, deadline })
        };
        let clients = [
            client(PATIENTLY, relay.address(), PATIENT)?,
            client(BRIEFLY, cluster.address(far), DEFAULT_DEADLINE)?,
            client(THERE, cluster.address(leader), DEFAULT_DEADLINE)?,
        ];
        let probes = [
            kv(cluster.address(near), DEFAULT_DEADLINE)?,
            kv(cluster.address(far), DEFAULT_DEADLINE)?,
        ];
        recovered_through(&probes).await?;
        let nodes = [near, far, leader].map(|node| cluster.raw(node).clone());
        let token = cluster.node(leader).root_token().to_owned();
        Ok(Self { leader, nodes, fixture, token, relay, clients, probes })
    }

    /// Returns when a node serves after the loss. A suspended leader may lead again.
    async fn lose(&self, loss: Loss, cluster: &mut Cluster, records: &Records) -> Result<Instant> {
        let steady = format!("{}/data/{STEADY}", self.fixture.mount);
        let inflicted = loss.inflict(cluster, self.leader, records);
        if loss == Loss::Hung {
            inflicted.await?;
            return served_by(&self.nodes, &steady, &self.token).await;
        }
        let served = served_by(self.nodes.split_at(2).0, &steady, &self.token);
        Ok(tokio::try_join!(inflicted, served)?.1)
    }

    /// Compares the reported outcomes with what is stored.
    async fn judged(&self, records: &Records, leader: &Access) -> Result<()> {
        let stored = all_stored(leader, &self.fixture.mount).await?;
        let writes = records.history.writes();
        let verdict = compare(&writes, &stored);
        figure(&format!("{} writes: {verdict:?}", writes.len()));
        figure(&format!("{:?}", records.counts()));
        assert!(verdict.is_clean(), "{verdict:?}");
        Ok(())
    }

    /// Asserts that the outage increased the requests by at most a tenth.
    fn count_requests(&self, records: &Records) {
        let counts = records.counts();
        let of_way = counts.iter().filter(|((client, _), _)| *client == PATIENTLY);
        let requests: usize = of_way.map(|(_, (count, _))| count).sum();
        let sent = self.relay.requests();
        figure(&format!("{PATIENTLY}: {requests} operations, {sent} requests"));
        // In addition: logins, leaders, mount versions and settled writes.
        assert!(sent <= requests + requests / 10 + 30, "{sent} requests for {requests} operations");
    }
}

/// Creates a fixture that keeps every version, with the secret that is only read.
async fn prepared(cluster: &Cluster, leader: usize, writes: usize) -> Result<Fixture> {
    let fixture = cluster.node(leader).fixture().await?;
    let config = format!("{}/config", fixture.mount);
    // More versions than acknowledged and other writes.
    fixture.server().must("POST", &config, json!({ "max_versions": 10 * writes })).await?;
    fixture.put(STEADY, json!({ "key": "v" })).await?;
    replicated(cluster, &fixture, STEADY).await?;
    Ok(fixture)
}

/// Returns when every surviving client reads successfully.
async fn recovered_through(clients: &[Kv]) -> Result<Instant> {
    let began = Instant::now();
    for kv in clients {
        while kv.read(&path(STEADY)?).await.is_err() {
            ensure!(began.elapsed() < PATIENT, "no read works");
            sleep(POLL).await;
        }
    }
    Ok(Instant::now())
}

/// Reads every version of every key with the plain client.
async fn all_stored(server: &Access, mount: &str) -> Result<Stored> {
    let mut stored = Stored::new();
    for key in (0..KEYS).map(|key| format!("key-{key}")) {
        let (status, metadata) =
            server.api("GET", &format!("{mount}/metadata/{key}"), None).await?;
        if status == 404 {
            continue;
        }
        let versions = metadata.pointer("/data/versions").and_then(Value::as_object);
        for version in versions.context("metadata without versions")?.keys() {
            let path = format!("{mount}/data/{key}?version={version}");
            let answer = server.must("GET", &path, None).await?;
            let value = answer.pointer("/data/data/key").and_then(Value::as_str);
            stored.insert((key.clone(), version.parse()?), value.context("no value")?.to_owned());
        }
    }
    Ok(stored)
}
