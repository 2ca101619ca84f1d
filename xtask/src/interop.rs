//! LiteLLM beside us, and hvac: installed once into the target directory, then the suite that compares.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::server::{Arguments, available, suite};
use crate::step::run;
use crate::workspace;

const REQUIREMENTS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/interop/requirements.txt");

const CLASS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../integrations/litellm");

pub(crate) fn interop(arguments: &Arguments) -> Result<()> {
    available(arguments)?;
    let python = installed()?;
    run("the class for LiteLLM", &mut class(&python))?;
    // All of its tests are ignored where nobody asks for LiteLLM.
    let mut command = suite("interop", &["--include-ignored"], arguments)?;
    run("interop", command.env("KM_TEST_LITELLM", python))
}

/// The class's own tests, which need LiteLLM and no server.
fn class(python: &Path) -> Command {
    let mut command = Command::new(python);
    // What LiteLLM logs is shown with a test that fails.
    command.args(["-m", "unittest", "discover", "--buffer", "-s", CLASS, "-t", CLASS]);
    // No list of prices from the network, and no files beside the sources.
    command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True").env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// The version of the Python that LiteLLM would be installed with.
pub(crate) fn python() -> Result<String> {
    const NEEDED: &str = "import sys, venv, ensurepip; assert sys.version_info >= (3, 11)";
    let hint = "needs Python 3.11 or later with `venv` (on Debian: python3 and python3-venv)";
    let look = Command::new("python3").args(["-c", NEEDED]).output().context(hint)?;
    ensure!(look.status.success(), "{hint}: {}", String::from_utf8_lossy(&look.stderr).trim());
    let version = Command::new("python3").arg("--version").output().context(hint)?;
    Ok(String::from_utf8_lossy(&version.stdout).into_owned())
}

/// The Python that has LiteLLM: of before, if it has just these requirements.
fn installed() -> Result<PathBuf> {
    let requirements = fs::read_to_string(REQUIREMENTS).context(REQUIREMENTS)?;
    let wanted = format!("# {}{requirements}", python()?);
    let place = workspace::target()?.join("interop");
    let (environment, stamp) = (place.join("venv"), place.join("installed.txt"));
    let python = environment.join("bin").join("python");
    if fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(python);
    }
    install(&environment, &python).context("installing LiteLLM")?;
    // The last thing: what was cut short is installed anew.
    fs::write(&stamp, wanted).with_context(|| format!("writing {}", stamp.display()))?;
    Ok(python)
}

fn install(environment: &Path, python: &Path) -> Result<()> {
    let mut make = Command::new("python3");
    run("a Python environment", make.args(["-m", "venv", "--clear"]).arg(environment))?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    // Nothing but what is listed, byte for byte, and no code of a package runs now.
    pip.args(["--require-hashes", "--only-binary=:all:", "--requirement", REQUIREMENTS]);
    run("LiteLLM, from its package", &mut pip)
}
