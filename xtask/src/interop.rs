//! The comparison with LiteLLM and hvac, which are installed into the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::server::{Arguments, available, suite};
use crate::step::run;
use crate::workspace;

const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/interop");

const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../integrations/litellm");

/// An environment with a version of LiteLLM.
struct Environment {
    requirements: &'static str,
    directory: &'static str,
    stamp: &'static str,
}

const CURRENT: Environment =
    Environment { requirements: "requirements.txt", directory: "venv", stamp: "installed.txt" };

/// The older version, for the tests of the callback for live keys. It also has what checks the types.
const OLDER: Environment = Environment {
    requirements: "requirements-older.txt",
    directory: "venv-older",
    stamp: "installed-older.txt",
};

pub(crate) fn interop(arguments: &Arguments) -> Result<()> {
    available(arguments)?;
    let (python, older) = (CURRENT.installed()?, OLDER.installed()?);
    for python in [&python, &older] {
        run("tests of km_litellm", &mut python_tests(python))?;
    }
    run("types of km_litellm", &mut type_check(&older)?)?;
    // The tests are ignored by default, because they need LiteLLM.
    let last = if arguments.slow() { "--nocapture" } else { "--skip=slow::" };
    let words = ["--include-ignored", last];
    let env =
        [("KM_TEST_LITELLM", python.as_os_str()), ("KM_TEST_LITELLM_OLDER", older.as_os_str())];
    suite("interop", ("interop", &words, &env), arguments)
}

/// Returns the Python that has LiteLLM, which is installed if it is not there.
pub(crate) fn litellm() -> Result<PathBuf> {
    CURRENT.installed()
}

/// Returns the command that runs the tests of the Python package. They need LiteLLM and no server.
fn python_tests(python: &Path) -> Command {
    let mut command = Command::new(python);
    // The log of LiteLLM is shown only for a test that fails.
    command.args(["-m", "unittest", "discover", "--buffer", "-s", PACKAGE, "-t", PACKAGE]);
    // No price list from the network, and no bytecode beside the sources.
    command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True").env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Returns the command that checks the types of the Python package for the oldest Python that it
/// supports. LiteLLM's own types are not used, so its version doesn't matter.
fn type_check(python: &Path) -> Result<Command> {
    let mut command = Command::new(python);
    command.args(["-m", "mypy", "--python-version=3.10", "--cache-dir"]);
    command.arg(workspace::target()?.join("interop").join("mypy")).current_dir(PACKAGE);
    Ok(command)
}

/// Returns the version of the Python that LiteLLM is installed with.
///
/// # Errors
/// There is no suitable Python.
pub(crate) fn python() -> Result<String> {
    const NEEDED: &str = "import sys, venv, ensurepip; assert sys.version_info >= (3, 11)";
    let hint = "needs Python 3.11 or later with `venv` (on Debian: python3 and python3-venv)";
    let look = Command::new("python3").args(["-c", NEEDED]).output().context(hint)?;
    ensure!(look.status.success(), "{hint}: {}", String::from_utf8_lossy(&look.stderr).trim());
    let version = Command::new("python3").arg("--version").output().context(hint)?;
    Ok(String::from_utf8_lossy(&version.stdout).into_owned())
}

impl Environment {
    /// Returns its Python. An existing environment is reused if it has exactly these requirements.
    fn installed(&self) -> Result<PathBuf> {
        let requirements = Path::new(REQUIREMENTS).join(self.requirements);
        let listed = fs::read_to_string(&requirements)
            .with_context(|| requirements.display().to_string())?;
        let wanted = format!("# {}{listed}", python()?);
        let directory = workspace::target()?.join("interop");
        let (environment, stamp) = (directory.join(self.directory), directory.join(self.stamp));
        let python = environment.join("bin").join("python");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(python);
        }
        install(&environment, &python, &requirements).context("installing LiteLLM")?;
        // Written last, so that an interrupted installation is repeated.
        fs::write(&stamp, wanted).with_context(|| format!("writing {}", stamp.display()))?;
        Ok(python)
    }
}

fn install(environment: &Path, python: &Path, requirements: &Path) -> Result<()> {
    let mut make = Command::new("python3");
    run("Python environment", make.args(["-m", "venv", "--clear"]).arg(environment))?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    // Only the listed files by hash, and wheels only: no code of a package runs during installation.
    pip.args(["--require-hashes", "--only-binary=:all:", "--requirement"]).arg(requirements);
    run("install LiteLLM", &mut pip)
}
