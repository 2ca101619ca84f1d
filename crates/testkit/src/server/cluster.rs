//! A cluster of three servers with raft storage.
//!
//! Its timeouts are the defaults of the servers, so that elections take as long as in production.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::own::initialise;
use super::ports::free_pair;
use super::{Access, Host, Plan, Server, host};
use crate::raw::Raw;
use crate::source::Source;

const NODES: usize = 3;
const READY_WITHIN: Duration = Duration::from_secs(60);
/// A node that does not respond in time is not the leader.
const SAYS_WITHIN: Duration = Duration::from_millis(500);
const POLL: Duration = Duration::from_millis(50);

/// A cluster of three nodes, numbered from 0, with one unseal key.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Server>,
    frozen: BTreeSet<usize>,
}

impl Cluster {
    /// Starts three nodes, joins them and waits until each one votes.
    ///
    /// # Errors
    /// Like [`Server::shared`]. With `KM_TEST_VAULT_ADDR` the nodes are still containers or
    /// processes.
    pub async fn start() -> Result<Self> {
        let source = Source::own().await?;
        let ports = (0..NODES).map(|_| free_pair()).collect::<Result<Vec<_>>>()?;
        let mut hosts: Vec<(Host, String)> = Vec::new();
        for (index, port) in ports.iter().enumerate() {
            let plan = Plan::Member { index, ports: ports.clone() };
            hosts.push(host::launch_at(&source, &plan, *port).await?);
        }
        let (_, first) = hosts.first().context("a cluster of no nodes")?;
        let (token, key) = initialise(&Raw::new(first)?).await?;
        let node = |(host, address): (Host, String)| {
            let raw = Raw::new(&address)?;
            let access = Access::new(address, token.clone(), raw, source.flavor());
            Ok(Server { access, unseal_key: Some(key.clone()), certs: None, host })
        };
        let nodes = hosts.into_iter().map(node).collect::<Result<_>>()?;
        let mut cluster = Self { nodes, frozen: BTreeSet::new() };
        cluster.unseal(0).await?;
        cluster.node(cluster.leader().await?).trust_at_once().await?;
        cluster.heal().await?;
        Ok(cluster)
    }

    /// Returns a node, for its address, a plain client and fixtures.
    ///
    /// # Panics
    /// There is no such node.
    #[expect(clippy::indexing_slicing, reason = "a node that isn't there is a mistake of the test")]
    pub fn node(&self, index: usize) -> &Server {
        &self.nodes[index]
    }

    #[expect(clippy::indexing_slicing, reason = "as above")]
    fn node_mut(&mut self, index: usize) -> &mut Server {
        &mut self.nodes[index]
    }

    /// Returns the address of a node.
    pub fn address(&self, index: usize) -> &str {
        self.node(index).address()
    }

    /// Returns a plain client of a node.
    pub fn raw(&self, index: usize) -> &Raw {
        self.node(index).raw()
    }

    /// Waits for a node that reports to be active, and returns it.
    ///
    /// # Errors
    /// There is none in time.
    pub async fn leader(&self) -> Result<usize> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            for index in 0..NODES {
                let asked = self.raw(index).call("GET", "sys/health", None, None);
                if matches!(timeout(SAYS_WITHIN, asked).await, Ok(Ok((200, _)))) {
                    return Ok(index);
                }
            }
            ensure!(Instant::now() < deadline, "no node is active");
            sleep(POLL).await;
        }
    }

    /// Returns the other two nodes.
    pub fn others(&self, than: usize) -> Vec<usize> {
        (0..NODES).filter(|index| *index != than).collect()
    }

    /// Kills a node, like a crash.
    ///
    /// # Errors
    /// It does not end.
    pub async fn kill(&mut self, index: usize) -> Result<()> {
        self.node_mut(index).kill().await
    }

    /// Stops a node gracefully. A leader steps down first.
    ///
    /// # Errors
    /// It does not end.
    pub async fn stop(&mut self, index: usize) -> Result<()> {
        self.node_mut(index).stop().await
    }

    /// Suspends a node: it accepts connections and does not respond.
    ///
    /// # Errors
    /// The system refuses.
    pub async fn freeze(&mut self, index: usize) -> Result<()> {
        self.frozen.insert(index);
        self.node_mut(index).freeze().await
    }

    /// Resumes a node after [`Cluster::freeze`].
    ///
    /// # Errors
    /// The system refuses.
    pub async fn thaw(&mut self, index: usize) -> Result<()> {
        self.frozen.remove(&index);
        self.node_mut(index).thaw().await
    }

    /// Starts a node again after it was stopped or killed. It is sealed then.
    ///
    /// # Errors
    /// It does not start, or does not respond.
    pub async fn start_again(&mut self, index: usize) -> Result<()> {
        self.node_mut(index).start().await
    }

    /// Seals a node. Only the leader accepts this.
    ///
    /// # Errors
    /// The node rejects it.
    pub async fn seal(&mut self, index: usize) -> Result<()> {
        self.node_mut(index).seal().await
    }

    /// Unseals a node once it has found the others, and waits until it takes part.
    ///
    /// # Errors
    /// It rejects the key, or does not take part in time.
    pub async fn unseal(&mut self, index: usize) -> Result<()> {
        let node = self.node(index);
        node.until("/initialized", &Value::Bool(true)).await?;
        node.must("PUT", "sys/unseal", json!({ "key": node.unseal_key })).await?;
        node.until("/sealed", &Value::Bool(false)).await?;
        node.until_ok("sys/health?standbyok=true").await
    }

    /// Makes the leader step down.
    ///
    /// # Errors
    /// It rejects this.
    pub async fn step_down(&self) -> Result<()> {
        let leader = self.node(self.leader().await?);
        leader.must("PUT", "sys/step-down", None).await.map(drop)
    }

    /// Repairs the cluster: every node runs, is unsealed, votes and reaches the leader.
    ///
    /// # Errors
    /// That takes too long.
    pub async fn heal(&mut self) -> Result<()> {
        for index in std::mem::take(&mut self.frozen) {
            self.node_mut(index).thaw().await?;
        }
        for index in 0..NODES {
            if !self.node_mut(index).host.is_running().await? {
                self.start_again(index).await?;
            }
            let status = self.node(index).must("GET", "sys/seal-status", None).await?;
            if status.get("sealed") == Some(&Value::Bool(true)) {
                self.unseal(index).await?;
            }
        }
        self.voting().await
    }

    async fn voting(&self) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let leader = self.node(self.leader().await?);
            let (_, answer) = leader.api("GET", "sys/storage/raft/configuration", None).await?;
            let servers = answer.pointer("/data/config/servers").and_then(Value::as_array);
            let is_voter = |server: &&Value| server.get("voter") == Some(&Value::Bool(true));
            let voting = servers.into_iter().flatten().filter(is_voter);
            if voting.count() == NODES {
                break;
            }
            ensure!(Instant::now() < deadline, "not every node votes: {answer}");
            sleep(POLL).await;
        }
        for node in &self.nodes {
            // Asked through each node, because one that was just started may not have found the
            // leader yet.
            node.until_ok("auth/token/lookup-self").await?;
        }
        Ok(())
    }
}

impl Server {
    /// Lets a new node vote after one healthy second in place of ten.
    async fn trust_at_once(&self) -> Result<()> {
        let body = json!({ "server_stabilization_time": "1s" });
        self.must("POST", "sys/storage/raft/autopilot/configuration", body).await.map(drop)
    }

    /// Waits for a response to `sys/seal-status`, which needs neither a token nor storage.
    async fn until(&self, what: &str, is: &Value) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let status = self.must("GET", "sys/seal-status", None).await?;
            if status.pointer(what) == Some(is) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{what} never was {is}: {status}");
            sleep(POLL).await;
        }
    }
}
