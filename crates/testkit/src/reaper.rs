//! Removes what a server leaves behind when the process that started it ends, in whatever way.
//!
//! A shell waits on a pipe whose other end belongs to this process. The system closes it when this
//! process ends, even by SIGKILL; `Drop` would not suffice, because statics are never dropped.
//! Dropping the [`Reaper`] closes the pipe and waits for the shell.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// `$1` is a directory to remove, `$2` a container to remove. Each line names the process to kill
/// from then on; an empty line names none.
const SCRIPT: &str = r#"
pid=
while read -r line; do pid=$line; done
[ -z "$pid" ] || kill -9 "$pid"
[ -z "$2" ] || docker rm --force --volumes "$2"
[ -z "$1" ] || rm -rf "$1"
"#;

#[derive(Debug)]
pub(crate) struct Reaper(Child);

impl Reaper {
    /// Starts the shell. To be called before the directory or container is created.
    pub(crate) fn start(directory: Option<&Path>, container: Option<&str>) -> Result<Self> {
        let child = Command::new("sh")
            .args(["-c", SCRIPT, "reaper"])
            .arg(directory.unwrap_or_else(|| Path::new("")))
            .arg(container.unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // In another process group, because Ctrl-C must not end the clean-up.
            .process_group(0)
            .spawn();
        child.map(Self).context("starting sh, which cleans up after the server")
    }

    /// Sets the process to kill; `None` once it has ended.
    pub(crate) fn watch(&mut self, pid: Option<u32>) -> Result<()> {
        let pipe = self.0.stdin.as_mut().context("the reaper has no pipe")?;
        let line = pid.map(|pid| pid.to_string()).unwrap_or_default();
        writeln!(pipe, "{line}").context("telling the reaper")
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // The exit code only says whether there was something to remove.
        let _ = self.0.wait();
    }
}
