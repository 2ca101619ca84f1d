//! The source of servers on this machine. It is chosen once per process, and printed.

mod address;
mod binary;
mod image;
mod lock;
mod module;
mod progress;
mod wheel;

use std::path::PathBuf;

use anyhow::{Result, anyhow, bail, ensure};
use tokio::sync::OnceCell;

use crate::environment::var;
use crate::flavor::{Flavor, Release};
use crate::probe::{Attempt, Machine, Way};

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

type Attempts = fn(&Machine) -> Result<Vec<Attempt>, String>;
type Choice = OnceCell<Result<Source, String>>;
static SHARED: Choice = OnceCell::const_new();
static OWN: Choice = OnceCell::const_new();

impl Source {
    /// Returns the source of shared servers.
    pub(crate) async fn shared() -> Result<Self> {
        settled(&SHARED, None, Machine::attempts).await
    }

    /// Returns the source of servers that one test seals, stops or restarts. It is never the given
    /// address.
    pub(crate) async fn own() -> Result<Self> {
        let shared = Self::shared().await?;
        match shared.kind {
            Kind::Address { .. } => {
                settled(&OWN, Some(shared.flavor()), Machine::own_attempts).await
            }
            _ => Ok(shared),
        }
    }
}

/// Chooses once. A failure is kept too, so that the next test fails at once.
async fn settled(
    choice: &'static Choice,
    flavor: Option<Flavor>,
    attempts: Attempts,
) -> Result<Source> {
    let settle = async || choose(flavor, attempts).await.map_err(|error| format!("{error:#}"));
    choice.get_or_init(settle).await.clone().map_err(|why| anyhow!(why))
}

/// Makes one attempt after the other. A server of another flavor than the requested one is an error.
async fn choose(flavor: Option<Flavor>, attempts: Attempts) -> Result<Source> {
    let mut machine = Machine::look(var).map_err(|why| anyhow!(why))?;
    machine.flavor = machine.flavor.or(flavor);
    let mut failures = Vec::new();
    for attempt in attempts(&machine).map_err(|why| anyhow!(why))? {
        let name = format!("{} {}", attempt.way.word(), attempt.flavor.word());
        match prepare(attempt, &machine).await {
            Ok(source) => {
                let wanted = machine.flavor.unwrap_or(source.flavor());
                ensure!(
                    wanted == source.flavor(),
                    "--flavor={}, but the server is {}",
                    wanted.word(),
                    source.describe()
                );
                report(&format!("the server is {}", source.describe()));
                return Ok(source);
            }
            Err(error) => {
                report(&format!("{name} does not work here: {error:#}"));
                failures.push(format!("{name}: {error:#}"));
            }
        }
    }
    bail!("no way to get a server worked:\n  {}", failures.join("\n  "))
}

/// Prepares a source, so that starting a server from it works.
async fn prepare(attempt: Attempt, machine: &Machine) -> Result<Source> {
    match attempt.way {
        Way::Address => {
            let (address, token) = machine.address.clone().map_err(|why| anyhow!(why))?;
            let address = address.trim_end_matches('/').to_owned();
            let release = address::release(&address, &token).await?;
            Ok(Source { release, kind: Kind::Address { address, token } })
        }
        Way::Container => {
            let (image, release) = image::present(machine, attempt).await?;
            Ok(Source { release, kind: Kind::Container { image } })
        }
        Way::Process => {
            let binary = binary::find(machine, attempt.flavor, attempt.obtains).await?;
            Ok(Source { release: binary::release(&binary).await?, kind: Kind::Process { binary } })
        }
    }
}

impl Source {
    pub(crate) fn flavor(&self) -> Flavor {
        self.release.flavor
    }

    /// Returns the source of a server with all login methods. One in an image that was built here
    /// is replaced by its binary, because the plugins are built for the host.
    pub(crate) async fn with_methods() -> Result<Self> {
        let own = Self::own().await?;
        let flavor = own.flavor();
        match &own.kind {
            Kind::Container { image } if image::is_local(image) => {
                let binary = server_program(flavor).await?;
                Ok(Self { release: own.release, kind: Kind::Process { binary } })
            }
            _ => Ok(own),
        }
    }

    /// Returns the directory of the login methods that a binary lacks, or `None` if the server has
    /// them or cannot have them.
    pub(crate) async fn plugins(&self) -> Result<Option<PathBuf>> {
        match (&self.kind, self.flavor()) {
            (Kind::Process { .. }, Flavor::Vault) => module::plugins().await.map(Some),
            _ => Ok(None),
        }
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

/// Returns the command lines of both servers as far as they are on this machine, that of the
/// server in use first. The other one is not obtained for this, and its absence is printed.
///
/// # Errors
/// That of the server in use cannot be obtained. The text says what to install.
pub async fn client_programs() -> Result<Vec<PathBuf>> {
    let machine = Machine::look(var).map_err(|why| anyhow!(why))?;
    let used = Source::shared().await?.flavor();
    let mut programs = vec![binary::find(&machine, used, true).await?];
    match binary::find(&machine, used.other(), false).await {
        Ok(other) => programs.push(other),
        Err(error) => report(&format!("not tested as a client: {error:#}")),
    }
    Ok(programs)
}

/// Returns the program of a flavor, and obtains it if it is not on this machine.
///
/// # Errors
/// It cannot be obtained. The text says what to install.
pub async fn server_program(flavor: Flavor) -> Result<PathBuf> {
    let machine = Machine::look(var).map_err(|why| anyhow!(why))?;
    binary::find(&machine, flavor, true).await
}

/// Prepares the server that the tests will use, and returns its description, the word of its
/// flavor and the word of its way.
///
/// # Errors
/// No server can be started here. The text says what to install.
pub async fn prepared_server() -> Result<(String, &'static str, &'static str)> {
    let source = Source::shared().await?;
    let way = match source.kind {
        Kind::Address { .. } => Way::Address,
        Kind::Container { .. } => Way::Container,
        Kind::Process { .. } => Way::Process,
    };
    Ok((source.describe(), source.flavor().word(), way.word()))
}
