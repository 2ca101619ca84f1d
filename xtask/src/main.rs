//! The tasks of this workspace: it drives cargo, and has no logic of the product.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people to read")]

mod bench;
mod ci;
mod dist;
mod image;
mod interop;
mod layers;
#[expect(unreachable_pub, reason = "a public module of the harness, taken in as it is")]
#[path = "../../tests/src/probe.rs"]
mod probe;
mod server;
mod step;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use server::Arguments;

const HELP: &str = "cargo xtask COMMAND

  demo                                  the main job, shown against a real Vault
  test  [--server=WAY]                  everything: unit tests, docs, real server
  itest [--server=WAY] [FILTER]         the suites that need a real server
  interop [--server=WAY] [FILTER]       LiteLLM and km side by side on a real server;
                                        installs LiteLLM into the target directory
  image [--server=WAY]                  a container image of km, built and tried
  layers                                who depends on whom, checked
  dist                                  man pages and completions, written to target/dist
  ci                                    what CI runs
  bench [FILTER]                        what things cost beside peers; without a filter
                                        docs/benchmarks.md is written anew

WAY is address, container or process; without it the first that works is taken.";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    match run(&command, words.collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {command}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &str, words: Vec<String>) -> Result<()> {
    let alone = words.is_empty();
    match command {
        "demo" => server::demo(&Arguments::parse(words)?),
        "test" => server::test(&Arguments::parse(words)?),
        "itest" => server::itest(&Arguments::parse(words)?),
        "image" => image::image(&Arguments::parse(words)?),
        "interop" => interop::interop(&Arguments::parse(words)?),
        "bench" => bench::bench(words),
        "layers" if alone => layers::run(),
        "dist" if alone => dist::dist(),
        "ci" if alone => ci::ci(),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        _ => bail!("unknown command or arguments\n\n{HELP}"),
    }
}
