//! End-to-end tests of `km exec`: the environment of the program, the conditions under which it
//! starts, signals, exit codes, and `--watch`.

mod dry_run;
mod environment;
mod exit;
mod files;
mod hardening;
mod includes;
mod not_started;
mod pristine;
mod signals;
mod variables;
pub(crate) mod watch;

use anyhow::{Result, ensure};
use tempfile::TempDir;
use testkit::{Fixture, Km};

use crate::cli::common::{fails_as_json, file};

/// Returns a program that prints these variables, one per line.
fn print_variables(names: &[&str]) -> [String; 4] {
    let lines: Vec<_> = names.iter().map(|name| format!("printf '%s\\n' \"${name}\"")).collect();
    shell(&lines.join("\n"))
}

/// Returns a program that runs this shell script.
fn shell(script: &str) -> [String; 4] {
    ["--", "/bin/sh", "-c", script].map(str::to_owned)
}

/// Returns `km exec` with a configuration that references these names, and the directory of the
/// file.
fn exec_with_references(fixture: &Fixture, names: &[&str]) -> Result<(TempDir, Km)> {
    let keys: Vec<_> = names.iter().map(|name| format!("os.environ/{name}")).collect();
    let (directory, config) = file(format!("keys: [{}]\n", keys.join(", ")))?;
    let km = fixture.km().env("KM_CONFIG", config).args(["exec"]);
    Ok((directory, km))
}

/// Runs `km` twice, as text and with `--json`. Both must fail with `code`, the second with `kind`.
/// Returns the stderr of the first run.
async fn fails_before_start(
    km: impl Fn() -> Km,
    program: &[impl AsRef<str>],
    code: i32,
    kind: &str,
) -> Result<String> {
    let words = || program.iter().map(AsRef::as_ref);
    fails_as_json(km().args(["--json"]).args(words()), code, kind).await?;
    let output = km().args(words()).run().await?.expect(code)?;
    ensure!(output.stdout.is_empty(), "on stdout: {:?}", output.stdout);
    for start in ["km: ", "hint: "] {
        let is_present = output.stderr.lines().any(|line| line.starts_with(start));
        ensure!(is_present, "no line `{start}…`: {}", output.stderr);
    }
    Ok(output.stderr)
}
