//! The tasks of this workspace. They run cargo and other programs, and contain no logic of the product.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the output is for people")]

mod bench;
mod ci;
mod compat;
mod dist;
mod docs;
mod examples;
mod image;
mod interop;
mod layers;
mod server;
mod step;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use server::Arguments;

const HELP: &str = "cargo xtask COMMAND

  demo [SERVER]                     demonstrate the product against a real server
  test [SERVER] [--slow]            all tests: unit tests, doctests, real server
  itest [SERVER] [FILTER]           the tests that need a real server
  interop [SERVER] [--slow] [FILTER]
                                    compare km with LiteLLM on a real server;
                                    installs LiteLLM into the target directory
  image [SERVER]                    build and test the container image of km
  examples [SERVER]                 build the programs in examples/ from packages of the
                                    crates, and test them
  layers                            check the direction of dependencies
  docs                              check links and build the documentation site
  compat [STEP]                     check the packages that other teams take
  dist                              write man pages and completions to target/dist
  ci                                the steps of CI
  bench [FILTER]                    measure beside peers; without a filter,
                                    docs/benchmarks.md is written
  bench sidecar [--quick]           measure km serve beside other tools on a real
                                    Vault; without --quick, the tables in
                                    docs/benchmarks.md and README.md are written

SERVER is --server=address|container|process and --flavor=vault|openbao. The default is
the first one that works; Vault comes first where it is at hand.
--slow adds the tests that take minutes each.";

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
        "examples" => examples::examples(&Arguments::parse(words)?),
        "image" => image::image(&Arguments::parse(words)?),
        "interop" => interop::interop(&Arguments::parse(words)?),
        "bench" => bench::bench(words),
        "compat" => compat::compat(&words),
        "layers" if alone => layers::run(),
        "dist" if alone => dist::dist(),
        "docs" if alone => docs::docs(),
        "ci" if alone => ci::ci(),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        _ => bail!("unknown command or arguments\n\n{HELP}"),
    }
}
