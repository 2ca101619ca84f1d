//! The leader goes in the middle of writes and reads, in every way in which leaders go.
//!
//! Three clients: by one surviving standby with much patience, by the other one with the deadline
//! that programs have by default, and by the node that goes.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::{Access, Cluster, Fixture, Raw};
use tokio::time::{Instant, sleep};
use vault_http::DEFAULT_DEADLINE;
use vault_kv::Kv;

use super::history::{Stored, judge};
use super::load::{KEYS, Load, Notes, STEADY, Way};
use super::{POLL, cluster, kv_through, served_by};
use crate::product::{figure, path, until};
use crate::relay::Relay;

/// The ways.
const PATIENTLY: &str = "standby, 20 s";
const BRIEFLY: &str = "standby, 5 s";
const THERE: &str = "the node itself, 5 s";

/// Longer than an election.
const PATIENT: Duration = Duration::from_secs(20);
/// An operation ends at its deadline; two cores run three servers beside it.
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
    async fn inflict(self, cluster: &mut Cluster, leader: usize, notes: &Notes) -> Result<()> {
        match self {
            Self::Killed => cluster.kill(leader).await,
            Self::Stopped => cluster.stop(leader).await,
            Self::SteppedDown => cluster.step_down().await,
            Self::Hung => {
                cluster.freeze(leader).await?;
                // Long enough for a deadline to pass.
                let timed_out = async || Ok(notes.has_seen(THERE, "read Exchange(Timeout)"));
                until("a read that times out", timed_out).await?;
                cluster.thaw(leader).await
            }
        }
    }
}

#[tokio::test]
async fn a_leader_that_is_killed_costs_no_write_and_doubles_none() -> Result<()> {
    survives(Loss::Killed, 1_000).await
}

#[tokio::test]
async fn a_leader_that_is_stopped_costs_no_write_and_doubles_none() -> Result<()> {
    survives(Loss::Stopped, 200).await
}

#[tokio::test]
async fn a_leader_that_steps_down_costs_no_write_and_doubles_none() -> Result<()> {
    survives(Loss::SteppedDown, 200).await
}

#[tokio::test]
async fn a_leader_that_hangs_costs_no_write_and_no_deadline() -> Result<()> {
    survives(Loss::Hung, 200).await
}

/// Half of the writes come before the loss.
async fn survives(loss: Loss, writes: usize) -> Result<()> {
    let mut cluster = cluster().await?;
    let scene = Scene::new(&cluster, writes).await?;
    let mut load = Load::start(&scene.ways);
    load.until(writes / 2).await?;
    let began = Instant::now();
    let served = scene.lose(loss, &mut cluster, &load.notes).await?;
    let recovered = recovered_through(&scene.probes).await?;
    load.until(writes).await?;
    let notes = load.stop().await?;

    let (elected, recovered) = (served - began, recovered - served);
    figure(&format!("{loss:?}: a leader after {elected:?}, reads after {recovered:?} more"));
    scene.judged(&notes, cluster.node(cluster.leader().await?)).await?;
    scene.count_requests(&notes);
    assert!(notes.overtime() <= OVERTIME, "{:?} after the deadline", notes.overtime());
    assert!(recovered <= RECOVERED_WITHIN, "reads work again after {recovered:?}");
    Ok(())
}

/// Who is who in a cluster that is about to lose its leader.
struct Scene {
    leader: usize,
    /// The leader comes last.
    nodes: [Raw; 3],
    fixture: Fixture,
    token: String,
    relay: Relay,
    ways: [Way; 3],
    /// The ways that survive, once more: with a retry budget that the load has not used up.
    probes: [Kv; 2],
}

impl Scene {
    async fn new(cluster: &Cluster, writes: usize) -> Result<Self> {
        let leader = cluster.leader().await?;
        let [near, far] = cluster.others(leader)[..] else { bail!("not three nodes") };
        let fixture = prepared(cluster, leader, writes).await?;
        let relay = Relay::to(cluster.address(near), "").await?;
        let kv = |address, deadline| kv_through(address, &fixture, deadline);
        let way = |name, address, deadline| {
            Ok::<_, anyhow::Error>(Way { name, kv: kv(address, deadline)?, deadline })
        };
        let ways = [
            way(PATIENTLY, relay.address(), PATIENT)?,
            way(BRIEFLY, cluster.address(far), DEFAULT_DEADLINE)?,
            way(THERE, cluster.address(leader), DEFAULT_DEADLINE)?,
        ];
        let probes = [
            kv(cluster.address(near), DEFAULT_DEADLINE)?,
            kv(cluster.address(far), DEFAULT_DEADLINE)?,
        ];
        recovered_through(&probes).await?;
        let nodes = [near, far, leader].map(|node| cluster.raw(node).clone());
        let token = cluster.node(leader).root_token().to_owned();
        Ok(Self { leader, nodes, fixture, token, relay, ways, probes })
    }

    /// When somebody serves after the loss. One that only hung may lead again.
    async fn lose(&self, loss: Loss, cluster: &mut Cluster, notes: &Notes) -> Result<Instant> {
        let steady = format!("{}/data/{STEADY}", self.fixture.mount);
        let inflicted = loss.inflict(cluster, self.leader, notes);
        if loss == Loss::Hung {
            inflicted.await?;
            return served_by(&self.nodes, &steady, &self.token).await;
        }
        let served = served_by(self.nodes.split_at(2).0, &steady, &self.token);
        Ok(tokio::try_join!(inflicted, served)?.1)
    }

    /// Holds what was said against what is stored.
    async fn judged(&self, notes: &Notes, leader: &Access) -> Result<()> {
        let stored = all_stored(leader, &self.fixture.mount).await?;
        let writes = notes.history.writes();
        let verdict = judge(&writes, &stored);
        figure(&format!("{} writes: {verdict:?}", writes.len()));
        figure(&format!("{:?}", notes.counts()));
        assert!(verdict.is_clean(), "{verdict:?}");
        Ok(())
    }

    /// An outage makes no more than a tenth of requests more.
    fn count_requests(&self, notes: &Notes) {
        let counts = notes.counts();
        let of_way = counts.iter().filter(|((way, _), _)| *way == PATIENTLY);
        let asked: usize = of_way.map(|(_, (count, _))| count).sum();
        let sent = self.relay.requests();
        figure(&format!("{PATIENTLY}: {asked} operations, {sent} requests"));
        // Beside them: the login, who leads, what is mounted, what became of lost writes.
        assert!(sent <= asked + asked / 10 + 30, "{sent} requests for {asked} operations");
    }
}

/// A fixture that keeps every version, with the secret that is only read.
async fn prepared(cluster: &Cluster, leader: usize, writes: usize) -> Result<Fixture> {
    let fixture = cluster.node(leader).fixture().await?;
    let config = format!("{}/config", fixture.mount);
    // More than is written: what was acknowledged, and what was not.
    fixture.server().must("POST", &config, json!({ "max_versions": 10 * writes })).await?;
    fixture.put(STEADY, json!({ "key": "v" })).await?;
    Ok(fixture)
}

/// When the product reads by every way that survives.
async fn recovered_through(ways: &[Kv]) -> Result<Instant> {
    let began = Instant::now();
    for kv in ways {
        while kv.read(&path(STEADY)?).await.is_err() {
            ensure!(began.elapsed() < PATIENT, "no read works");
            sleep(POLL).await;
        }
    }
    Ok(Instant::now())
}

/// Every version of every key, by the plain client.
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
