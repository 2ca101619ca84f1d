//! A sidecar of another user: nothing is sent to it.

use std::fs::{Permissions, set_permissions};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;

use anyhow::{Context as _, Result, anyhow};
use rustix::process::{Uid, geteuid};
use rustix::thread::set_thread_res_uid;
use testkit::{Km, secret, write_private};

use crate::cli::common::contains_all;

const NOBODY: u32 = 65_534;

/// Listens at a path as another user, if this process is root's. The user of a listener is that of
/// the thread that created it.
fn listen_as_nobody(path: &Path) -> Result<UnixListener> {
    let path = path.to_owned();
    let listen = move || -> Result<UnixListener> {
        let nobody = Uid::from_raw(NOBODY);
        set_thread_res_uid(Some(nobody), Some(nobody), Some(nobody))?;
        let listener = UnixListener::bind(&path)?;
        set_permissions(&path, Permissions::from_mode(0o666))?;
        Ok(listener)
    };
    thread::spawn(listen).join().map_err(|_| anyhow!("the thread panicked"))?
}

/// Only root can act as another user. An ordinary user finds sockets of root's, which are trusted, so
/// that the permissions show the exit code.
#[tokio::test]
async fn socket_of_another_user_receives_nothing_and_exits_5() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let token = directory.path().join("token");
    write_private(&token, secret("token"))?;
    let shared = directory.path().join("shared");
    std::fs::create_dir(&shared)?;
    for directory in [directory.path(), &shared] {
        set_permissions(directory, Permissions::from_mode(0o777))?;
    }
    let path = shared.join("km.sock");
    let km = Km::new().env("KM_SERVE_TOKEN_FILE", &token);
    let km = km.args(["status", "--server"]).args([format!("unix:{}", path.display())]);
    if !geteuid().is_root() {
        let _listener = UnixListener::bind(&path)?;
        set_permissions(&path, Permissions::from_mode(0o000))?;
        let output = km.run().await?.expect(5)?;
        return contains_all(&output.stderr, &["hint: run km as the user that runs km serve"]);
    }
    let listener = listen_as_nobody(&path)?;
    let output = km.run().await?.expect(5)?;
    let expected = ["belongs to another user", "hint: run km as the user that runs km serve"];
    contains_all(&output.stderr, &expected)?;
    listener.set_nonblocking(true)?;
    let (mut connection, _) = listener.accept().context("it did not connect")?;
    let mut received = Vec::new();
    connection.read_to_end(&mut received)?;
    assert_eq!(String::from_utf8_lossy(&received), "");
    Ok(())
}
