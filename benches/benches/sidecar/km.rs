//! The sidecar as it is deployed: the program, settings in its environment, a token file.

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use benches::canned;
use tempfile::TempDir;

/// The token of its clients.
pub(crate) const TOKEN: &str = "5d41402abc4b2a76b9719d911017c592ae2b1f0c9d3e4f5a6b7c8d9e0f1a2b3c";

/// The path of the program, which `cargo xtask bench` builds.
const PROGRAM: &str = "KM_BENCH_BIN";

/// A running `km serve`. It ends on drop.
pub(crate) struct Km {
    child: Child,
    address: SocketAddr,
    _files: TempDir,
}

impl Km {
    /// Starts it in front of a server and waits until it listens.
    #[expect(clippy::disallowed_methods, reason = "the setting of a tool")]
    pub(crate) fn start(vault: &str) -> Result<Self> {
        let program = std::env::var_os(PROGRAM);
        let program = program.context("there is no km to measure: run `cargo xtask bench`")?;
        let files = tempfile::tempdir()?;
        let token = files.path().join("token");
        std::fs::write(&token, TOKEN)?;
        std::fs::set_permissions(&token, Permissions::from_mode(0o600))?;
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--token-file"])
            .arg(token)
            .env_clear()
            .env("HCP_VAULT_ADDR", vault)
            .env("HCP_VAULT_TOKEN", canned::TOKEN)
            .env("HCP_VAULT_MOUNT_NAME", canned::MOUNT)
            .env("HCP_VAULT_PATH_PREFIX", "litellm")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("km has no stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening on ").context("km does not listen")?;
        Ok(Self { child, address: address.parse()?, _files: files })
    }

    /// The process ID.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The address that it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Km {
    fn drop(&mut self) {
        // Nothing can be done about a failure here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
