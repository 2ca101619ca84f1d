//! What a server leaves behind goes away with the process that started it, however that ends.
//!
//! A shell waits on a pipe whose other end is ours. The system closes our end when we end, also
//! when we are killed; statics are never dropped, so `Drop` alone would not do. Cleaning up in
//! order goes the same way: dropping the [`Reaper`] closes the pipe and waits.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// `$1`: a directory to remove, `$2`: a container to remove. Each line names the process to kill
/// from now on; an empty one, none.
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
    /// Starts watching. Comes before what it cleans up, so that nothing is ever unwatched.
    pub(crate) fn start(directory: Option<&Path>, container: Option<&str>) -> Result<Self> {
        let child = Command::new("sh")
            .args(["-c", SCRIPT, "reaper"])
            .arg(directory.unwrap_or_else(|| Path::new("")))
            .arg(container.unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of our process group: a Ctrl-C must not end the one that cleans up after it.
            .process_group(0)
            .spawn();
        child.map(Self).context("starting sh, which cleans up after the server")
    }

    /// The process to kill in the end; `None` when it has ended by itself.
    pub(crate) fn watch(&mut self, pid: Option<u32>) -> Result<()> {
        let pipe = self.0.stdin.as_mut().context("the reaper has no pipe")?;
        let line = pid.map(|pid| pid.to_string()).unwrap_or_default();
        writeln!(pipe, "{line}").context("telling the reaper")
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // Its exit code says only whether there was something left to clean up.
        let _ = self.0.wait();
    }
}
