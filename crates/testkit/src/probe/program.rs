//! The server programs of this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::flavor::{Flavor, Release};

/// The program of a flavor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// It is on this machine.
    Present(PathBuf),
    /// It can be obtained: downloaded or built.
    Obtainable,
    /// It is neither, for this reason.
    Missing(String),
}

impl Program {
    /// Returns whether the program is present, or can be obtained if `obtains`.
    pub(super) fn is_open(&self, obtains: bool) -> bool {
        match self {
            Self::Present(_) => true,
            Self::Obtainable => obtains,
            Self::Missing(_) => false,
        }
    }

    /// Prefers the given program, then one on `PATH`, then one that this workspace obtained before.
    pub(super) fn find(
        given: Option<&Path>,
        path: &str,
        (flavor, before): (Flavor, Option<PathBuf>),
        obtain: impl FnOnce() -> Result<(), String>,
    ) -> Self {
        let given = given.map(Path::to_owned);
        if let Some(present) = given.or_else(|| on_path(path, flavor.program())).or(before) {
            return Self::Present(present);
        }
        match obtain() {
            Ok(()) => Self::Obtainable,
            Err(why) => Self::Missing(format!("{} is not on PATH; {why}", flavor.program())),
        }
    }
}

/// Returns the program of `KM_TEST_VAULT_BIN` and its flavor.
pub(super) fn given(path: &str) -> Result<(PathBuf, Flavor), String> {
    if !Path::new(path).is_file() {
        return Err(format!("KM_TEST_VAULT_BIN: no file at {path}"));
    }
    let output = succeeds(path, &["version"]).map_err(|why| format!("KM_TEST_VAULT_BIN: {why}"))?;
    let release = Release::parse(&output)
        .ok_or_else(|| format!("KM_TEST_VAULT_BIN: {path} is neither Vault nor OpenBao"))?;
    Ok((PathBuf::from(path), release.flavor))
}

/// Runs a program and returns its stdout. The error is the last line of its stderr.
pub(super) fn succeeds(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}", stderr.lines().last().unwrap_or("failed without a word")))
}

fn on_path(path: &str, name: &str) -> Option<PathBuf> {
    std::env::split_paths(path).map(|dir| dir.join(name)).find(|file| file.is_file())
}
