//! A provider whose keys are files, with the commands that `km rotate` runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::product::until;

/// The definitions of every command. A command waits while there is a file `hold-STEP` before it
/// does anything but read its key, and while there is a file `hold-after-STEP` once it has done it.
const PRELUDE: &str = r#"
set -eu
note() { echo "$1" >> "$provider/log"; }
hold() { while [ -e "$provider/hold-$1" ]; do sleep 0.02; done; }
begin() { note "begin $KM_ROTATE_STEP"; hold "$KM_ROTATE_STEP"; }
end() { note "end $KM_ROTATE_STEP"; hold "after-$KM_ROTATE_STEP"; }
read_key() { key=$(cat); [ -n "$key" ]; }
"#;

/// Makes a key that is named after the rotation.
const MINT: &str = r#"
begin
key="PLANTED-minted-$KM_ROTATE_ID"
: > "$provider/keys/$key"
end
printf '%s\n' "$key"
"#;

const VERIFY: &str = r#"read_key; begin; [ -e "$provider/keys/$key" ]; end"#;

/// Succeeds for a key that is revoked already.
const REVOKE: &str = r#"read_key; begin; rm -f "$provider/keys/$key"; end"#;

/// A provider.
pub(super) struct Provider {
    directory: TempDir,
}

impl Provider {
    pub(super) fn new() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        fs::create_dir(directory.path().join("keys"))?;
        fs::write(directory.path().join("log"), "")?;
        Ok(Self { directory })
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Returns a command with this script after the definitions.
    pub(super) fn command(&self, script: &str) -> String {
        format!("provider='{}'\n{PRELUDE}\n{script}", self.path().display())
    }

    pub(super) fn mint(&self) -> String {
        self.command(MINT)
    }

    pub(super) fn verify(&self) -> String {
        self.command(VERIFY)
    }

    pub(super) fn revoke(&self) -> String {
        self.command(REVOKE)
    }

    /// Accepts a key from now on.
    pub(super) fn accept(&self, key: &str) -> Result<()> {
        Ok(fs::write(self.key(key), "")?)
    }

    /// Returns whether a key is accepted.
    pub(super) fn accepts(&self, key: &str) -> bool {
        self.key(key).exists()
    }

    /// Returns the keys that are accepted.
    pub(super) fn keys(&self) -> Result<BTreeSet<String>> {
        let names = fs::read_dir(self.path().join("keys"))?;
        names.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    /// Returns the begins and ends of all commands so far.
    pub(super) fn log(&self) -> Result<Vec<String>> {
        Ok(fs::read_to_string(self.path().join("log"))?.lines().map(str::to_owned).collect())
    }

    /// Returns the steps that have ended so far.
    pub(super) fn ended(&self) -> Result<Vec<String>> {
        let log = self.log()?;
        Ok(log.iter().filter_map(|line| line.strip_prefix("end ")).map(str::to_owned).collect())
    }

    /// Makes the command of a step wait, before it acts or, as `after-STEP`, after that.
    pub(super) fn hold(&self, point: &str) -> Result<Hold> {
        let path = self.path().join(format!("hold-{point}"));
        fs::write(&path, "")?;
        Ok(Hold(path))
    }

    /// Waits until a line is logged for the nth time.
    pub(super) async fn logged(&self, line: &str, times: usize) -> Result<()> {
        let is_logged =
            async || Ok(self.log()?.iter().filter(|logged| *logged == line).count() >= times);
        until(&format!("{line}, {times} times"), is_logged).await
    }

    fn key(&self, key: &str) -> PathBuf {
        self.path().join("keys").join(key)
    }
}

/// Holds a command until it is dropped or released.
pub(super) struct Hold(PathBuf);

impl Hold {
    pub(super) fn release(self) -> Result<()> {
        fs::remove_file(&self.0).context("releasing a command")
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // It may be released, or removed with the provider.
        let _ = fs::remove_file(&self.0);
    }
}
