//! The programs in `examples/`, run as their users run them.
//!
//! They are the programs that this workspace builds, or those in the directory `KM_TEST_EXAMPLES`,
//! which `cargo xtask examples` builds from packages of the crates.

mod gateway;
mod http_cache;
mod own_client;
mod transit;
mod typed_secrets;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use tokio::process::Command;

/// An example: its name, its source, and the program that this workspace builds.
struct Example {
    name: &'static str,
    source: &'static str,
    built: &'static str,
}

macro_rules! example {
    ($name:literal) => {
        $crate::examples::Example {
            name: $name,
            source: include_str!(concat!("../../../../examples/", $name, "/src/main.rs")),
            built: env!(concat!("CARGO_BIN_EXE_", $name)),
        }
    };
}
use example;

impl Example {
    fn command(&self) -> Command {
        let mut command = Command::new(self.program());
        command.kill_on_drop(true);
        command
    }

    fn program(&self) -> PathBuf {
        packaged().map_or_else(|| self.built.into(), |directory| directory.join(self.name))
    }

    /// Runs the program to its end, and returns what it printed.
    async fn output(&self, arguments: &[&str], env: &[(&str, &str)]) -> Result<String> {
        let mut command = self.command();
        let output = command.args(arguments).env_clear().envs(env.iter().copied()).output().await?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} failed: {errors}", self.name);
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Fails unless `readme` shows the program. The attribute for the lints of this workspace is left
    /// out there.
    fn assert_shown_in(&self, readme: &str) {
        let is_shown = |line: &&str| !line.starts_with("#![expect(");
        let source: Vec<&str> = self.source.lines().filter(is_shown).collect();
        let shown = format!("```rust,ignore\n{}\n```", source.join("\n"));
        assert!(readme.contains(&shown), "the README shows another program than {}", self.name);
    }
}

/// Returns the directory with the programs that were built from packages.
#[expect(clippy::disallowed_methods, reason = "a setting of the suite")]
fn packaged() -> Option<PathBuf> {
    std::env::var_os("KM_TEST_EXAMPLES").map(PathBuf::from)
}
