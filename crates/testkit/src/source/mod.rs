//! Where servers come from on this machine: settled once per process, and said aloud.

mod binary;
mod image;
mod module;
mod progress;

use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use tokio::sync::OnceCell;

use crate::environment::var;
use crate::probe::{Machine, Way};

pub(crate) use progress::report;

/// What a server is made from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// It is there already.
    Address { address: String, token: String },
    /// An image that is present in the engine.
    Container { image: String },
    /// A binary.
    Process { binary: PathBuf },
}

type Choice = OnceCell<Result<Source, String>>;
static SHARED: Choice = OnceCell::const_new();
static OWN: Choice = OnceCell::const_new();

impl Source {
    /// For the server that tests share.
    pub(crate) async fn shared() -> Result<Self> {
        settled(&SHARED, Machine::ways).await
    }

    /// For a server that one test seals, stops or restarts: never the given address.
    pub(crate) async fn own() -> Result<Self> {
        match Self::shared().await? {
            Self::Address { .. } => settled(&OWN, Machine::own_ways).await,
            source => Ok(source),
        }
    }
}

/// A failed choice is kept too: the second test fails as fast as can be.
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
                report(&format!("the server comes from {}", source.describe()));
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

/// Gets everything ready that can fail, so that a way that is chosen works.
async fn prepare(way: Way, machine: &Machine) -> Result<Source> {
    match way {
        Way::Address => {
            let (address, token) = machine.address.clone().map_err(|why| anyhow!(why))?;
            Ok(Source::Address { address: address.trim_end_matches('/').to_owned(), token })
        }
        Way::Container => Ok(Source::Container { image: image::present().await? }),
        Way::Process => Ok(Source::Process { binary: binary::find(machine).await? }),
    }
}

impl Source {
    fn describe(&self) -> String {
        match self {
            Self::Address { address, .. } => format!("the address {address}"),
            Self::Container { image } => format!("a container of {image}"),
            Self::Process { binary } => format!("the binary {}", binary.display()),
        }
    }
}

/// A Vault binary, for its command line on this machine; the server may run in a container.
///
/// # Errors
/// There is none, and it can't be built: the text says what to install.
pub async fn vault_program() -> Result<PathBuf> {
    let machine = Machine::look(var).map_err(|why| anyhow!(why))?;
    binary::find(&machine).await
}
