//! The tasks that need a real server. They fail before anything is built if none can be started.

use std::process::Command;

use anyhow::{Result, anyhow, bail, ensure};
use testkit::probe::{Machine, Way};

use crate::step::{cargo, run};
use crate::workspace;

/// The arguments of a command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// `--server=WAY`.
    server: Option<String>,
    /// `--slow`.
    slow: bool,
    filter: Option<String>,
}

impl Arguments {
    pub(crate) fn new(server: &str, filter: Option<&str>) -> Self {
        let (server, filter) = (Some(server.to_owned()), filter.map(str::to_owned));
        Self { server, slow: false, filter }
    }

    pub(crate) fn parse(words: Vec<String>) -> Result<Self> {
        let mut arguments = Self::default();
        for word in words {
            match (word.strip_prefix("--server="), &arguments.filter) {
                (Some(way), _) => {
                    Way::parse(way).map_err(|why| anyhow!(why))?;
                    arguments.server = Some(way.to_owned());
                }
                (None, _) if word == "--slow" => arguments.slow = true,
                (None, None) if !word.starts_with('-') => arguments.filter = Some(word),
                _ => bail!("unknown argument: {word}"),
            }
        }
        Ok(arguments)
    }

    fn without_filter(&self) -> Result<()> {
        self.filter.as_ref().map_or(Ok(()), |filter| bail!("unknown argument: {filter}"))
    }

    fn without_slow(&self) -> Result<()> {
        ensure!(!self.slow, "only `cargo xtask test` takes --slow");
        Ok(())
    }
}

pub(crate) fn demo(arguments: &Arguments) -> Result<()> {
    arguments.without_filter()?;
    arguments.without_slow()?;
    // The demo starts a server of its own, even if an address is given.
    possible(arguments, Machine::own_ways)?;
    let programs = ["build", "--locked", "--package=km", "--package=tests", "--bins"];
    run("build", &mut cargo(&programs))?;
    let demo = workspace::km()?.with_file_name("demo");
    run("demo", with_server(&mut Command::new(demo), arguments)?)
}

pub(crate) fn test(arguments: &Arguments) -> Result<()> {
    arguments.without_filter()?;
    available(arguments)?;
    // The same packages and targets in both commands, so that nothing is built twice.
    run("build", &mut cargo(&["build", "--locked", "--workspace", "--bins", "--tests"]))?;
    let everything = ["test", "--locked", "--workspace", "--no-fail-fast"];
    run("test", with_server(&mut cargo(&everything), arguments)?)?;
    if arguments.slow { slow(arguments) } else { Ok(()) }
}

/// Runs the tests that take minutes each: those in a module named `slow`, which are ignored otherwise.
fn slow(arguments: &Arguments) -> Result<()> {
    let mut command = cargo(&["test", "--locked", "--workspace", "--test=it"]);
    command.args(["--", "--ignored", "--nocapture", "slow::"]);
    run("slow tests", with_server(&mut command, arguments)?)
}

pub(crate) fn itest(arguments: &Arguments) -> Result<()> {
    run("itest", &mut suite("it", &[], arguments)?)
}

/// Builds the test program `target` and returns the command that runs it with the arguments `words`.
pub(crate) fn suite(target: &str, words: &[&str], arguments: &Arguments) -> Result<Command> {
    arguments.without_slow()?;
    available(arguments)?;
    // The whole workspace, because a selection of packages would be built with other features.
    let target = format!("--test={target}");
    let suites = ["--locked", "--workspace", &target];
    run("build", cargo(&["build", "--bins"]).args(suites))?;
    let mut command = cargo(&["test"]);
    command.args(suites).arg("--").args(words).args(arguments.filter.as_deref());
    with_server(&mut command, arguments)?;
    Ok(command)
}

/// Fails if no server can be started here.
pub(crate) fn available(arguments: &Arguments) -> Result<()> {
    possible(arguments, Machine::ways)
}

fn possible(arguments: &Arguments, ways: fn(&Machine) -> Result<Vec<Way>, String>) -> Result<()> {
    let look = |name: &str| match (&arguments.server, name) {
        (Some(way), "KM_TEST_SERVER") => Some(way.clone()),
        _ => variable(name),
    };
    let machine = Machine::look(look).map_err(|why| anyhow!(why))?;
    ways(&machine).map(drop).map_err(|why| anyhow!(why))
}

fn with_server<'a>(command: &'a mut Command, arguments: &Arguments) -> Result<&'a mut Command> {
    command.env("KM_TEST_BIN", workspace::km()?);
    if let Some(way) = &arguments.server {
        command.env("KM_TEST_SERVER", way);
    }
    Ok(command)
}

#[expect(clippy::disallowed_methods, reason = "the settings of this tool")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Option<(Option<String>, bool, Option<String>)> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Arguments::parse(words).ok().map(|parsed| (parsed.server, parsed.slow, parsed.filter))
    }

    #[test]
    fn arguments_are_parsed_and_unknown_ones_are_refused() {
        let text = |text: &str| Some(text.to_owned());
        for (words, expected) in [
            (&[][..], Some((None, false, None))),
            (&["--slow"], Some((None, true, None))),
            (&["--server=process"], Some((text("process"), false, None))),
            (&["kv::"], Some((None, false, text("kv::")))),
            (&["kv::", "--server=container"], Some((text("container"), false, text("kv::")))),
            (&["--server=cloud"], None),
            (&["--serve"], None),
            (&["kv::", "auth::"], None),
        ] {
            assert_eq!(parse(words), expected, "{words:?}");
        }
    }
}
