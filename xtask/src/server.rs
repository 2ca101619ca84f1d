//! The tasks that need a real server. They fail before anything is built if none can be started.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail, ensure};
use testkit::Flavor;
use testkit::probe::{Attempt, Machine, Way};

use crate::step::{cargo, run};
use crate::workspace;

/// The arguments of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// `--server=WAY`.
    server: Option<String>,
    /// `--flavor=FLAVOR`.
    flavor: Option<String>,
    /// `--slow`.
    slow: bool,
    filters: Vec<String>,
}

impl Arguments {
    pub(crate) fn new(server: Way, flavor: Flavor) -> Self {
        let (server, flavor) = (Some(server.word().to_owned()), Some(flavor.word().to_owned()));
        Self { server, flavor, ..Self::default() }
    }

    pub(crate) fn with_filters(self, filters: &[&str]) -> Self {
        Self { filters: filters.iter().map(|filter| (*filter).to_owned()).collect(), ..self }
    }

    pub(crate) fn parse(words: Vec<String>) -> Result<Self> {
        let mut arguments = Self::default();
        for word in words {
            if let Some(way) = word.strip_prefix("--server=") {
                Way::parse(way).map_err(|why| anyhow!(why))?;
                arguments.server = Some(way.to_owned());
            } else if let Some(flavor) = word.strip_prefix("--flavor=") {
                Flavor::parse(flavor).map_err(|why| anyhow!(why))?;
                arguments.flavor = Some(flavor.to_owned());
            } else if word == "--slow" {
                arguments.slow = true;
            } else if arguments.filters.is_empty() && !word.starts_with('-') {
                arguments.filters.push(word);
            } else {
                bail!("unknown argument: {word}");
            }
        }
        Ok(arguments)
    }

    pub(crate) fn without_filter(&self) -> Result<()> {
        self.filters.first().map_or(Ok(()), |filter| bail!("unknown argument: {filter}"))
    }

    pub(crate) fn without_slow(&self) -> Result<()> {
        ensure!(!self.slow, "only `cargo xtask test` and `cargo xtask interop` take --slow");
        Ok(())
    }

    pub(crate) fn slow(&self) -> bool {
        self.slow
    }
}

pub(crate) fn demo(arguments: &Arguments) -> Result<()> {
    arguments.without_filter()?;
    arguments.without_slow()?;
    possible(arguments, Machine::own_attempts)?;
    let programs = ["build", "--locked", "--package=km-cli", "--package=tests", "--bins"];
    run("build", &mut cargo(&programs))?;
    let demo = workspace::km()?.with_file_name("demo");
    on_server("demo", &mut Command::new(demo), &Prepared::own(arguments)?)
}

pub(crate) fn test(arguments: &Arguments) -> Result<()> {
    arguments.without_filter()?;
    available(arguments)?;
    // The same packages and targets in both commands, so that nothing is built twice.
    run("build", &mut cargo(&["build", "--locked", "--workspace", "--bins", "--tests"]))?;
    let everything = ["test", "--locked", "--workspace", "--no-fail-fast"];
    let server = Prepared::shared(arguments)?;
    on_server("test", &mut cargo(&everything), &server)?;
    if arguments.slow { slow(&server) } else { Ok(()) }
}

/// Runs the tests that take minutes each: those in a module named `slow`, which are ignored otherwise.
fn slow(server: &Prepared) -> Result<()> {
    let mut command = cargo(&["test", "--locked", "--workspace", "--test=it"]);
    command.args(["--", "--ignored", "--nocapture", "slow::"]);
    on_server("slow tests", &mut command, server)
}

pub(crate) fn itest(arguments: &Arguments) -> Result<()> {
    arguments.without_slow()?;
    suite("itest", ("it", &[], &[]), arguments)
}

/// Builds the test program `target` and runs it on a server, with the arguments `words` and the
/// variables `env`.
pub(crate) fn suite(
    name: &str,
    (target, words, env): (&str, &[&str], &[(&str, &OsStr)]),
    arguments: &Arguments,
) -> Result<()> {
    available(arguments)?;
    // The whole workspace, because a selection of packages would be built with other features.
    let target = format!("--test={target}");
    let suites = ["--locked", "--workspace", &target];
    run("build", cargo(&["build", "--bins"]).args(suites))?;
    let mut command = cargo(&["test"]);
    command.args(suites).arg("--").args(words).args(&arguments.filters);
    command.envs(env.iter().copied());
    on_server(name, &mut command, &Prepared::shared(arguments)?)
}

/// Fails if no server can be started here.
pub(crate) fn available(arguments: &Arguments) -> Result<()> {
    possible(arguments, Machine::attempts)
}

fn possible(
    arguments: &Arguments,
    attempts: fn(&Machine) -> Result<Vec<Attempt>, String>,
) -> Result<()> {
    let look = |name: &str| match (name, &arguments.server, &arguments.flavor) {
        ("KM_TEST_SERVER", Some(way), _) => Some(way.clone()),
        ("KM_TEST_FLAVOR", _, Some(flavor)) => Some(flavor.clone()),
        _ => variable(name),
    };
    let machine = Machine::look(look).map_err(|why| anyhow!(why))?;
    attempts(&machine).map(drop).map_err(|why| anyhow!(why))
}

/// A server that was obtained, so that tests can start it. All programs of a task use the same one.
#[derive(Debug)]
struct Prepared {
    description: String,
    flavor: String,
    way: String,
    /// Whether a given address is ignored.
    is_own: bool,
}

impl Prepared {
    /// Obtains the server that tests share.
    fn shared(arguments: &Arguments) -> Result<Self> {
        Self::new(arguments, false)
    }

    /// Obtains a server that is started by its user, even if an address is given.
    fn own(arguments: &Arguments) -> Result<Self> {
        Self::new(arguments, true)
    }

    fn new(arguments: &Arguments, is_own: bool) -> Result<Self> {
        let mut command = Command::new(workspace::km()?.with_file_name("test-server"));
        if let Some(flavor) = &arguments.flavor {
            command.env("KM_TEST_FLAVOR", flavor);
        }
        let is_usable = |way: &&String| !is_own || *way != Way::Address.word();
        if let Some(way) = arguments.server.as_ref().filter(is_usable) {
            command.env("KM_TEST_SERVER", way);
        }
        if is_own {
            without_address(&mut command);
        }
        let output = command.stderr(Stdio::inherit()).output().context("starting test-server")?;
        ensure!(output.status.success(), "no server: {}", output.status);
        let text = String::from_utf8_lossy(&output.stdout);
        let mut lines = text.lines().map(str::to_owned);
        let mut next = || lines.next().context("test-server printed too little");
        Ok(Self { description: next()?, flavor: next()?, way: next()?, is_own })
    }
}

fn without_address(command: &mut Command) {
    command.env_remove("KM_TEST_VAULT_ADDR").env_remove("KM_TEST_VAULT_TOKEN");
}

/// Runs a command on a server. Prints what the server is first and last.
fn on_server(name: &str, command: &mut Command, server: &Prepared) -> Result<()> {
    command.env("KM_TEST_BIN", workspace::km()?);
    command.env("KM_TEST_FLAVOR", &server.flavor).env("KM_TEST_SERVER", &server.way);
    if server.is_own {
        without_address(command);
    }
    println!("=== server: {}", server.description);
    let done = run(name, command);
    println!("=== server: {}", server.description);
    done
}

#[expect(clippy::disallowed_methods, reason = "the settings of this tool")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Option<Arguments> {
        Arguments::parse(words.iter().map(|word| (*word).to_owned()).collect()).ok()
    }

    #[test]
    fn arguments_are_parsed_and_unknown_ones_are_refused() {
        let text = |text: &str| Some(text.to_owned());
        let none = Arguments::default;
        for (words, expected) in [
            (&[][..], Some(none())),
            (&["--slow"], Some(Arguments { slow: true, ..none() })),
            (&["--server=process"], Some(Arguments { server: text("process"), ..none() })),
            (&["--flavor=openbao"], Some(Arguments { flavor: text("openbao"), ..none() })),
            (&["kv::"], Some(none().with_filters(&["kv::"]))),
            (
                &["kv::", "--server=container", "--flavor=vault"],
                Some(Arguments::new(Way::Container, Flavor::Vault).with_filters(&["kv::"])),
            ),
            (&["--server=cloud"], None),
            (&["--flavor=consul"], None),
            (&["--serve"], None),
            (&["kv::", "auth::"], None),
        ] {
            assert_eq!(parse(words), expected, "{words:?}");
        }
    }
}
