//! SIGINT and SIGTERM while nothing is being changed: exit 4 without delay.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, timeout};

use crate::cli::common::{NAME, contains_all, error_document, km_against, writer_environment};
use crate::cli::listener::{Reply, Scripted, Silent};
use crate::cli::program::{signal, with_open_stdin};

/// The time in which a command must exit.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn signal_during_a_read_is_exit_4_at_once() -> Result<()> {
    for name in ["INT", "TERM"] {
        for arguments in [&["read", NAME][..], &["list"], &["check"], &["read", NAME, "--json"]] {
            let server = Scripted::new(|_| Reply::Hang)?;
            let km = km_against(&server.address()).env("KM_DEADLINE", "60s");
            let running = km.env(NAME, "of the environment").args(arguments).start().await?;
            server.wait_for_request("GET /v1/").await?;
            running.signal(name)?;
            let started = Instant::now();
            let output = running.finish().await?.expect(4)?;
            assert!(started.elapsed() < EXIT_TIMEOUT, "{arguments:?}: {:?}", started.elapsed());
            assert!(output.stdout.is_empty());
            if arguments.contains(&"--json") {
                error_document(&output.stderr, "unavailable")?;
            } else {
                contains_all(&output.stderr, &["km: interrupted", "signal", "hint: "])?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn signal_during_a_login_is_exit_4_at_once() -> Result<()> {
    for name in ["INT", "TERM"] {
        let server = Scripted::new(|_| Reply::Hang)?;
        let km = testkit::Km::new().env("HCP_VAULT_ADDR", server.address());
        let km = km.env("HCP_VAULT_APPROLE_ROLE_ID", "a").env("HCP_VAULT_APPROLE_SECRET_ID", "b");
        let running = km.env("KM_DEADLINE", "60s").args(["read", NAME]).start().await?;
        server.wait_for_request("POST /v1/auth/approle/login").await?;
        running.signal(name)?;
        let started = Instant::now();
        running.finish().await?.expect(4)?;
        assert!(started.elapsed() < EXIT_TIMEOUT, "{:?}", started.elapsed());
    }
    Ok(())
}

#[tokio::test]
async fn signal_while_a_write_waits_for_stdin_is_exit_4_at_once() -> Result<()> {
    let silent = Silent::new()?;
    let address = silent.address();
    let environment = writer_environment(&address);
    for name in ["INT", "TERM"] {
        // Its stdin stays open until the end of the iteration.
        let mut child = with_open_stdin(&["write", NAME], &environment).await?;
        let stdin = child.stdin.take();
        signal(&child, name).await?;
        let started = Instant::now();
        let ended = timeout(4 * EXIT_TIMEOUT, child.wait()).await??;
        assert_eq!(ended.code(), Some(4), "SIG{name}");
        assert!(started.elapsed() < EXIT_TIMEOUT, "{:?}", started.elapsed());
        drop(stdin);
    }
    assert_eq!(silent.connections()?, 0);
    Ok(())
}
