//! The host of a server: a process, a container, or a server of someone else.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::container::Container;
use super::plan::Plan;
use super::ports::free_pair;
use super::process::Process;
use crate::raw::Raw;
use crate::source::{Kind, Source, report};

const STARTS_WITHIN: Duration = Duration::from_secs(60);
const ATTEMPTS: usize = 3;

#[derive(Debug)]
pub(crate) enum Host {
    /// The server is not started by the tests.
    Elsewhere,
    Process(Process),
    Container(Container),
}

/// Starts a server, waits until it responds and returns its address. There are several attempts,
/// because another process may take the port in between.
pub(crate) async fn launch(source: &Source, plan: &Plan) -> Result<(Host, String)> {
    let mut attempt = 1;
    loop {
        match try_launch(source, plan).await {
            Err(error) if attempt < ATTEMPTS => {
                report(&format!("starting it once more: {error:#}"));
            }
            settled => return settled.context("no Vault server could be started"),
        }
        attempt += 1;
    }
}

async fn try_launch(source: &Source, plan: &Plan) -> Result<(Host, String)> {
    launch_at(source, plan, free_pair()?).await
}

/// Starts a server on this port, with one attempt.
pub(crate) async fn launch_at(source: &Source, plan: &Plan, port: u16) -> Result<(Host, String)> {
    let mut host = match &source.kind {
        Kind::Address { .. } => bail!("a server that is elsewhere can't be started"),
        Kind::Process { binary } => Host::Process(Process::launch(binary, plan, port)?),
        Kind::Container { image } => {
            Host::Container(Container::launch(image, source.flavor(), plan, port).await?)
        }
    };
    let address = format!("{}://127.0.0.1:{port}", plan.scheme());
    let ca = plan.certs().map(|certs| certs.ca());
    host.answering(&Raw::with_tls(&address, ca.as_deref(), None)?).await?;
    Ok((host, address))
}

impl Host {
    /// Waits until the server responds, even as sealed or uninitialized.
    pub(crate) async fn answering(&mut self, raw: &Raw) -> Result<()> {
        let deadline = Instant::now() + STARTS_WITHIN;
        while raw.call("GET", "sys/seal-status", None, None).await.is_err() {
            if !self.is_running().await? || Instant::now() > deadline {
                bail!("the server does not answer; its last words:\n{}", tail(&self.log().await));
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    pub(crate) async fn start(&mut self) -> Result<()> {
        match self {
            Self::Elsewhere => elsewhere(),
            Self::Process(process) => process.start(),
            Self::Container(container) => container.start().await,
        }
    }

    /// Stops the server, by SIGKILL if `kill`.
    pub(crate) async fn stop(&mut self, kill: bool) -> Result<()> {
        match self {
            Self::Elsewhere => elsewhere(),
            Self::Process(process) => process.end(if kill { "KILL" } else { "TERM" }).await,
            Self::Container(container) if kill => container.kill().await,
            Self::Container(container) => container.stop().await,
        }
    }

    /// Suspends the server: it accepts connections and does not respond.
    pub(crate) async fn freeze(&mut self) -> Result<()> {
        match self {
            Self::Elsewhere => elsewhere(),
            Self::Process(process) => process.signal("STOP"),
            Self::Container(container) => container.pause().await,
        }
    }

    pub(crate) async fn thaw(&mut self) -> Result<()> {
        match self {
            Self::Elsewhere => elsewhere(),
            Self::Process(process) => process.signal("CONT"),
            Self::Container(container) => container.unpause().await,
        }
    }

    pub(crate) async fn is_running(&mut self) -> Result<bool> {
        match self {
            Self::Elsewhere => Ok(true),
            Self::Process(process) => process.is_running(),
            Self::Container(container) => container.is_running().await,
        }
    }

    pub(crate) async fn log(&self) -> String {
        match self {
            Self::Elsewhere => String::new(),
            Self::Process(process) => process.log(),
            Self::Container(container) => container.log().await,
        }
    }

    /// Returns the process ID, if the server is a process of this machine.
    pub(crate) fn process_id(&self) -> Option<u32> {
        match self {
            Self::Process(process) => Some(process.id()),
            Self::Elsewhere | Self::Container(_) => None,
        }
    }

    pub(crate) fn cli(&self, address: &str, tls: bool) -> Result<Command> {
        match self {
            Self::Elsewhere => bail!("its command line is elsewhere too"),
            Self::Process(process) => Ok(process.cli(address, tls)),
            Self::Container(container) => Ok(container.cli(if tls { "https" } else { "http" })),
        }
    }
}

fn elsewhere() -> Result<()> {
    bail!("the tests did not start this server, so that they cannot stop or restart it")
}

fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().rev().take(15).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
