//! The source of servers on this machine. It is chosen once per process, and printed.

mod address;
mod binary;
mod image;
mod module;
mod progress;

use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use tokio::sync::OnceCell;

use crate::environment::var;
use crate::flavor::{Flavor, Release};
use crate::probe::{Machine, Way};

pub(crate) use progress::report;

/// The source of a server, and what it starts.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) release: Release,
    pub(crate) kind: Kind,
}

/// The kinds of sources.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// A server that is running already.
    Address { address: String, token: String },
    /// An image that the engine has.
    Container { image: String },
    /// A binary.
    Process { binary: PathBuf },
}

type Choice = OnceCell<Result<Source, String>>;
static SHARED: Choice = OnceCell::const_new();
static OWN: Choice = OnceCell::const_new();

impl Source {
    /// Returns the source of shared servers.
    pub(crate) async fn shared() -> Result<Self> {
        settled(&SHARED, Machine::ways).await
    }

    /// Returns the source of servers that one test seals, stops or restarts. It is never the given
    /// address.
    pub(crate) async fn own() -> Result<Self> {
        let shared = Self::shared().await?;
        match shared.kind {
            Kind::Address { .. } => settled(&OWN, Machine::own_ways).await,
            _ => Ok(shared),
        }
    }
}

/// Chooses once. A failure is kept too, so that the next test fails at once.
async fn settled(
    choice: &'static Choice,
    ways: fn(&Machine) -> Result<Vec<Way>, String>,
) -> Result<Source> {
    let settle = async || choose(ways).await.map_err(|error| format!("{error:#}"));
    choice.get_or_init(settle).await.clone().map_err(|why| anyhow!(why))
}

async fn choose(ways: fn(&Machine) -> Result<Vec<Way>, String>) -> Result<Source> {
    let machine = Machine::look(var).map_err(|why| anyhow!(why))?;
    let open = ways(&machine).map_err(|why| anyhow!(why))?;
    let mut failures = Vec::new();
    for way in open {
        match prepare(way, &machine).await {
            Ok(source) => {
                report(&format!("the server is {}", source.describe()));
                return Ok(source);
            }
            Err(error) => {
                report(&format!("{way:?} does not work here: {error:#}"));
                failures.push(format!("{way:?}: {error:#}"));
            }
        }
    }
    bail!("no way to get a Vault server worked:\n  {}", failures.join("\n  "))
}

/// Prepares a source, so that starting a server from it works.
async fn prepare(way: Way, machine: &Machine) -> Result<Source> {
    match way {
        Way::Address => {
            let (address, token) = machine.address.clone().map_err(|why| anyhow!(why))?;
            let address = address.trim_end_matches('/').to_owned();
            let release = address::release(&address, &token).await?;
            Ok(Source { release, kind: Kind::Address { address, token } })
        }
        Way::Container => {
            let (image, release) = image::present().await?;
            Ok(Source { release, kind: Kind::Container { image } })
        }
        Way::Process => {
            let binary = binary::find(machine).await?;
            Ok(Source { release: binary::release(&binary).await?, kind: Kind::Process { binary } })
        }
    }
}

impl Source {
    pub(crate) fn flavor(&self) -> Flavor {
        self.release.flavor
    }

    fn describe(&self) -> String {
        let release = &self.release;
        match &self.kind {
            Kind::Address { address, .. } => format!("{release} at {address}"),
            Kind::Container { image } => format!("{release} in a container of {image}"),
            Kind::Process { binary } => format!("{release} as a process of {}", binary.display()),
        }
    }
}

/// Returns a Vault binary, for its command line on this machine. The server may run in a container.
///
/// # Errors
/// There is none, and it cannot be built. The text says what to install.
pub async fn vault_program() -> Result<PathBuf> {
    let machine = Machine::look(var).map_err(|why| anyhow!(why))?;
    binary::find(&machine).await
}
