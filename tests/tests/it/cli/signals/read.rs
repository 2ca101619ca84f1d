//! SIGINT and SIGTERM while nothing is being changed: exit 4 without delay.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, timeout};

use crate::cli::common::{NAME, error_document, played, says};
use crate::cli::listener::{Reply, Scripted, Silent};
use crate::cli::program::{signal, with_open_stdin};

/// The time in which a command must exit.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn signal_during_a_read_is_exit_4_at_once() -> Result<()> {
    for name in ["INT", "TERM"] {
        for arguments in [&["read", NAME][..], &["list"], &["check"], &["read", NAME, "--json"]] {
            let server = Scripted::new(|_| Reply::Hang)?;
            let km = played(&server.address()).env("KM_DEADLINE", "60s");
            let running = km.env(NAME, "of the environment").args(arguments).start().await?;
            server.saw("GET /v1/").await?;
            running.signal(name)?;
            let began = Instant::now();
            let output = running.finish().await?.expect(4)?;
            assert!(began.elapsed() < SOON, "{arguments:?}: {:?}", began.elapsed());
            assert!(output.stdout.is_empty());
            if arguments.contains(&"--json") {
                error_document(&output.stderr, "unavailable")?;
            } else {
                says(&output.stderr, &["km: interrupted", "signal", "hint: "])?;
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
        server.saw("POST /v1/auth/approle/login").await?;
        running.signal(name)?;
        let began = Instant::now();
        running.finish().await?.expect(4)?;
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    }
    Ok(())
}

#[tokio::test]
async fn signal_while_a_write_waits_for_stdin_is_exit_4_at_once() -> Result<()> {
    let nobody = Silent::new()?;
    let address = nobody.address();
    let environment = [
        ("HCP_VAULT_ADDR", address.as_str()),
        ("HCP_VAULT_TOKEN", "token"),
        ("KM_ACCESS_MODE", "read_and_write"),
    ];
    for name in ["INT", "TERM"] {
        // Its stdin stays open until the end of the iteration.
        let mut child = with_open_stdin(&["write", NAME], &environment).await?;
        let stdin = child.stdin.take();
        signal(&child, name).await?;
        let began = Instant::now();
        let ended = timeout(4 * SOON, child.wait()).await??;
        assert_eq!(ended.code(), Some(4), "SIG{name}");
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        drop(stdin);
    }
    assert_eq!(nobody.connections()?, 0);
    Ok(())
}
