//! The tasks that need a real server. Whether one can be had is settled before anything is built.

use std::process::Command;

use anyhow::{Result, anyhow, bail};
use testkit::probe::{Machine, Way};

use crate::step::{cargo, run};
use crate::workspace;

/// What follows the command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// `--server=WAY`.
    server: Option<String>,
    filter: Option<String>,
}

impl Arguments {
    pub(crate) fn new(server: &str, filter: Option<&str>) -> Self {
        Self { server: Some(server.to_owned()), filter: filter.map(str::to_owned) }
    }

    pub(crate) fn parse(words: Vec<String>) -> Result<Self> {
        let mut arguments = Self::default();
        for word in words {
            match (word.strip_prefix("--server="), &arguments.filter) {
                (Some(way), _) => {
                    Way::parse(way).map_err(|why| anyhow!(why))?;
                    arguments.server = Some(way.to_owned());
                }
                (None, None) if !word.starts_with('-') => arguments.filter = Some(word),
                _ => bail!("can't read the argument {word}"),
            }
        }
        Ok(arguments)
    }

    fn without_filter(&self) -> Result<()> {
        self.filter.as_ref().map_or(Ok(()), |filter| bail!("can't read the argument {filter}"))
    }
}

pub(crate) fn demo(arguments: &Arguments) -> Result<()> {
    arguments.without_filter()?;
    // It starts a server of its own, whatever address is given.
    possible(arguments, Machine::own_ways)?;
    let programs = ["build", "--locked", "--package=km", "--package=tests", "--bins"];
    run("build", &mut cargo(&programs))?;
    let demo = workspace::km()?.with_file_name("demo");
    run("demo", with_server(&mut Command::new(demo), arguments)?)
}

pub(crate) fn test(arguments: &Arguments) -> Result<()> {
    arguments.without_filter()?;
    available(arguments)?;
    // The same packages and kinds of target in both, so that nothing is built twice.
    run("build", &mut cargo(&["build", "--locked", "--workspace", "--bins", "--tests"]))?;
    let everything = ["test", "--locked", "--workspace", "--no-fail-fast"];
    run("test", with_server(&mut cargo(&everything), arguments)?)
}

pub(crate) fn itest(arguments: &Arguments) -> Result<()> {
    run("itest", &mut suite("it", &[], arguments)?)
}

/// The tests of one target, built and about to run; `words` are for the test program.
pub(crate) fn suite(target: &str, words: &[&str], arguments: &Arguments) -> Result<Command> {
    available(arguments)?;
    // All of the workspace for its features: a choice of packages would build them anew.
    let target = format!("--test={target}");
    let suites = ["--locked", "--workspace", &target];
    run("build", cargo(&["build", "--bins"]).args(suites))?;
    let mut command = cargo(&["test"]);
    command.args(suites).arg("--").args(words).args(arguments.filter.as_deref());
    with_server(&mut command, arguments)?;
    Ok(command)
}

/// Fails at once where no server can be had.
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

#[expect(clippy::disallowed_methods, reason = "a tool's own settings")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Option<(Option<String>, Option<String>)> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Arguments::parse(words).ok().map(|parsed| (parsed.server, parsed.filter))
    }

    #[test]
    fn arguments() {
        let text = |text: &str| Some(text.to_owned());
        for (words, expected) in [
            (&[][..], Some((None, None))),
            (&["--server=process"], Some((text("process"), None))),
            (&["kv::"], Some((None, text("kv::")))),
            (&["kv::", "--server=container"], Some((text("container"), text("kv::")))),
            (&["--server=cloud"], None),
            (&["--serve"], None),
            (&["kv::", "auth::"], None),
        ] {
            assert_eq!(parse(words), expected, "{words:?}");
        }
    }
}
