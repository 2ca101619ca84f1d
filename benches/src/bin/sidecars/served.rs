//! A server that answers reads of the secrets.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use benches::Meter;
use http::HeaderValue;
use tokio::time::{Instant, sleep, timeout};

use crate::figures::{Figures, IN_FLIGHT, Plan, nanos, sustains};
use crate::load::{Load, Reader, Target};
use crate::process::{Process, free_address, resident};

/// A server that does not return a value within this time has failed to start.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// A server and the requests that it is measured with.
pub(crate) struct Served {
    pub(crate) label: &'static str,
    pub(crate) launch: Launch,
    /// The path of the secrets in its API.
    pub(crate) folder: String,
    /// The token of its clients, if they need one.
    pub(crate) token: Option<HeaderValue>,
    /// The header of a response from its cache, if it has a cache.
    pub(crate) hit: Option<(&'static str, &'static str)>,
}

/// How a server is started.
pub(crate) enum Launch {
    /// By a command that makes it listen at an address; its output goes to the file `log`.
    Command { command: Box<dyn Fn(SocketAddr) -> Result<Command>>, log: PathBuf },
    /// It is running.
    Running { address: SocketAddr, process: u32 },
}

/// A server that has returned a value.
struct Started {
    target: Target,
    process: u32,
    took: Option<Duration>,
    /// Ends it on drop.
    _guard: Option<Process>,
}

impl Served {
    pub(crate) async fn measured(&self, plan: &Plan) -> Result<Figures> {
        let started = self.start().await?;
        let mut load = Load::new(&started.target).await?;
        load.fill(self.hit).await.context("filling its cache")?;
        let (reads, elapsed) = load.fast(1, plan.fast).await?;
        let one = f64::from(reads) / elapsed.as_secs_f64();
        let meter = Meter::of(started.process)?;
        let before = meter.spent()?;
        let (reads, elapsed) = load.fast(IN_FLIGHT, plan.fast).await?;
        let cpu = nanos(meter.spent()?.saturating_sub(before)) / f64::from(reads);
        let many = f64::from(reads) / elapsed.as_secs_f64();
        let p99 = if sustains(many) { Some(load.paced(plan.paced).await?) } else { None };
        let resident = resident(started.process)?;
        let start = started.took.map(nanos);
        Ok(Figures { one, many: Some(many), cpu, p99, resident, start })
    }

    async fn start(&self) -> Result<Started> {
        let (command, log) = match &self.launch {
            Launch::Command { command, log } => (command, log),
            Launch::Running { address, process } => {
                let target = self.target(*address)?;
                return Ok(Started { target, process: *process, took: None, _guard: None });
            }
        };
        let target = self.target(free_address()?)?;
        let mut command = command(target.address)?;
        let start = Instant::now();
        let mut process = Process::start(&mut command, log)?;
        let value = async {
            while let Err(error) = first_value(&target).await {
                process.runs(log).with_context(|| format!("no value: {error:#}"))?;
                sleep(Duration::from_millis(1)).await;
            }
            Ok::<_, anyhow::Error>(())
        };
        timeout(STARTS_WITHIN, value).await.context("no value in time")??;
        let took = Some(start.elapsed());
        Ok(Started { target, process: process.id(), took, _guard: Some(process) })
    }

    fn target(&self, address: SocketAddr) -> Result<Target> {
        Target::new(address, self.token.clone(), &self.folder)
    }
}

async fn first_value(target: &Target) -> Result<()> {
    Reader::connect(target, 0).await?.read().await
}
