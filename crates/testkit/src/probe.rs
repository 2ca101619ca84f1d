//! Finds out how this machine can run a server, without starting one.
//!
//! Uses the standard library alone, so that `xtask` can name what is missing before anything else
//! is compiled.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The sources of a server, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A server that is running already.
    Address,
    /// A container.
    Container,
    /// A process: an existing binary, or one built from the pinned Go module.
    Process,
}

/// The result of the probe. A field is `Ok` if its source is available; otherwise it has the
/// reason.
#[derive(Debug, Clone)]
pub struct Machine {
    /// `KM_TEST_SERVER`, if set.
    pub forced: Option<Way>,
    /// The address and the token of a running server.
    pub address: Result<(String, String), String>,
    /// A Docker engine that responds.
    pub engine: Result<(), String>,
    /// A server binary, from the environment or from `PATH`.
    pub binary: Result<PathBuf, String>,
    /// The Go toolchain, which can build the pinned module.
    pub go: Result<(), String>,
}

const NEEDED: &str = "No Vault server is available. Install one of these:
  - a Docker engine that answers (Debian: apt install docker.io);
  - `vault` or `bao` on PATH, or KM_TEST_VAULT_BIN=/path/to/vault;
  - Go 1.25 or later, which builds the pinned Vault once, in about 5 minutes;
  - KM_TEST_VAULT_ADDR and KM_TEST_VAULT_TOKEN of a server for tests.";

impl Way {
    /// Parses `address`, `container` or `process`.
    ///
    /// # Errors
    /// The text is another word.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "address" => Ok(Self::Address),
            "container" => Ok(Self::Container),
            "process" => Ok(Self::Process),
            other => {
                Err(format!("no such way to get a server: {other} (address, container, process)"))
            }
        }
    }
}

impl Machine {
    /// Examines the environment (through `var`), the engine and `PATH`, in well under a second.
    ///
    /// # Errors
    /// A setting is invalid: an unknown source, or a binary that does not exist.
    pub fn look(var: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let forced = var("KM_TEST_SERVER").map(|way| Way::parse(&way)).transpose()?;
        let address = match (var("KM_TEST_VAULT_ADDR"), var("KM_TEST_VAULT_TOKEN")) {
            (Some(address), Some(token)) => Ok((address, token)),
            (None, _) => Err("KM_TEST_VAULT_ADDR is not set".to_owned()),
            (Some(_), None) => {
                return Err(
                    "KM_TEST_VAULT_ADDR is set: KM_TEST_VAULT_TOKEN is needed too".to_owned()
                );
            }
        };
        let binary = match var("KM_TEST_VAULT_BIN") {
            Some(path) if Path::new(&path).is_file() => Ok(PathBuf::from(path)),
            Some(path) => return Err(format!("KM_TEST_VAULT_BIN: no file at {path}")),
            None => on_path(&var("PATH").unwrap_or_default(), &["vault", "bao"])
                .ok_or_else(|| "neither vault nor bao is on PATH".to_owned()),
        };
        let engine = answers("docker", &["version", "--format", "{{.Server.Version}}"]);
        Ok(Self { forced, address, engine, binary, go: answers("go", &["version"]) })
    }

    /// Returns the sources to try, in order.
    ///
    /// # Errors
    /// None is available, or the forced one is not. The text says what to install.
    pub fn ways(&self) -> Result<Vec<Way>, String> {
        if let Some(way) = self.forced {
            return self.open(way).map(|()| vec![way]);
        }
        let all = [Way::Address, Way::Container, Way::Process];
        let open: Vec<_> = all.into_iter().filter(|way| self.open(*way).is_ok()).collect();
        if open.is_empty() { Err(NEEDED.to_owned()) } else { Ok(open) }
    }

    /// Returns the sources of a server for one test, which it may seal and stop. The given address
    /// is never one.
    ///
    /// # Errors
    /// Like [`Machine::ways`].
    pub fn own_ways(&self) -> Result<Vec<Way>, String> {
        let forced = self.forced.filter(|way| *way != Way::Address);
        let unaddressed = Self { forced, address: Err("not for this".to_owned()), ..self.clone() };
        unaddressed.ways()
    }

    fn open(&self, way: Way) -> Result<(), String> {
        match way {
            Way::Address => self.address.clone().map(|_| ()).map_err(|why| {
                format!("--server=address: {why}; set it and KM_TEST_VAULT_TOKEN")
            }),
            Way::Container => self.engine.clone().map_err(|why| {
                format!("--server=container: no Docker engine answers ({why}). Debian: apt install docker.io; then start dockerd")
            }),
            Way::Process => self.binary.clone().map(|_| ()).or_else(|no_binary| {
                self.go.clone().map_err(|no_go| {
                    format!("--server=process: {no_binary}, and Go is not there to build it ({no_go})\n{NEEDED}")
                })
            }),
        }
    }
}

/// Checks that a program runs and succeeds. The error is the last line of its stderr.
fn answers(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}", said.lines().last().unwrap_or("failed without a word")))
}

fn on_path(path: &str, names: &[&str]) -> Option<PathBuf> {
    let dirs: Vec<_> = std::env::split_paths(path).collect();
    let candidates = names.iter().flat_map(|name| dirs.iter().map(move |dir| dir.join(name)));
    candidates.into_iter().find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine on which the given sources are available: address, engine, binary, Go.
    fn machine(forced: Option<Way>, [address, engine, binary, go]: [bool; 4]) -> Machine {
        let absent = || "absent".to_owned();
        Machine {
            forced,
            address: address.then(Default::default).ok_or_else(absent),
            engine: engine.then_some(()).ok_or_else(absent),
            binary: binary.then(PathBuf::new).ok_or_else(absent),
            go: go.then_some(()).ok_or_else(absent),
        }
    }

    #[test]
    fn ways_stand_in_their_order() {
        use Way::{Address, Container, Process};
        let (yes, no) = (true, false);
        for (forced, there, shared, own) in [
            (
                None,
                [yes, yes, yes, yes],
                &[Address, Container, Process][..],
                &[Container, Process][..],
            ),
            (None, [no, yes, no, yes], &[Container, Process], &[Container, Process]),
            (None, [no, no, yes, no], &[Process], &[Process]),
            (None, [no, no, no, yes], &[Process], &[Process]),
            (None, [yes, no, no, no], &[Address], &[]),
            (None, [no, no, no, no], &[], &[]),
            (Some(Address), [yes, yes, no, no], &[Address], &[Container]),
            (Some(Container), [yes, yes, yes, yes], &[Container], &[Container]),
            (Some(Container), [yes, no, yes, yes], &[], &[]),
            (Some(Process), [yes, yes, no, yes], &[Process], &[Process]),
            (Some(Process), [yes, yes, no, no], &[], &[]),
        ] {
            let machine = machine(forced, there);
            let found = |ways: Result<Vec<Way>, String>| ways.unwrap_or_default();
            assert_eq!(found(machine.ways()), shared, "{forced:?} {there:?}");
            assert_eq!(found(machine.own_ways()), own, "{forced:?} {there:?}");
        }
    }

    #[test]
    fn settings_that_cant_be_meant_are_refused() {
        for (name, value) in [
            ("KM_TEST_SERVER", "cloud"),
            ("KM_TEST_VAULT_BIN", "/nowhere/vault"),
            ("KM_TEST_VAULT_ADDR", "http://127.0.0.1:8200"),
        ] {
            let look = Machine::look(|asked| (asked == name).then(|| value.to_owned()));
            assert!(look.is_err(), "{name}: {look:?}");
        }
    }
}
