//! The progress bar.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Km, secret};

use super::Terminal;
use crate::cli::common::{file, km_against};
use crate::cli::listener::{Reply, Scripted, mount_of_version_2};

const BAR: &str = "reading secrets [";

/// The sequence that clears a line.
const CLEAR: &str = "\r\x1b[2K";

fn answer() -> Value {
    let metadata = json!({ "version": 1, "created_time": "2026-01-01T00:00:00Z",
        "deletion_time": "", "destroyed": false, "custom_metadata": null });
    json!({ "data": { "data": { "key": "value" }, "metadata": metadata } })
}

/// Responds to the reads of values at once, except for that of `SLOW`. Delays metadata and writes.
fn server() -> Result<Scripted> {
    Scripted::new(|request| {
        let is_list = request.starts_with("LIST") || request.contains("list=true");
        match request.split(' ').next() {
            _ if is_list => Reply::Json(200, json!({ "data": { "keys": ["A", "B"] } })),
            _ if request.contains("/metadata/") => Reply::Later(200, metadata()),
            _ if request.starts_with("GET /v1/sys/") => mount_of_version_2(),
            Some("GET") if !request.ends_with("SLOW") => Reply::Json(200, answer()),
            Some("GET") => Reply::Later(200, answer()),
            _ => Reply::Later(200, json!({ "data": answer()["data"]["metadata"] })),
        }
    })
}

fn metadata() -> Value {
    let version =
        json!({ "created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": false });
    json!({ "data": { "current_version": 1, "oldest_version": 1, "max_versions": 0,
        "cas_required": false, "delete_version_after": "0s", "custom_metadata": null,
        "created_time": "2026-01-01T00:00:00Z", "updated_time": "2026-01-01T00:00:00Z",
        "versions": { "1": version } } })
}

/// Returns the variables of a `km` whose reads take as long as the server, and another variable.
fn environment<'a>(
    address: &'a str,
    token: &'a str,
    other: (&'a str, &'a str),
) -> [(&'a str, &'a str); 4] {
    let deadline = ("KM_DEADLINE", "60s");
    [("HCP_VAULT_ADDR", address), ("HCP_VAULT_TOKEN", token), deadline, other]
}

const EXPORT: [&str; 6] =
    ["export", "--format=json", "--only=A", "--only=B", "--only=SLOW", "--only=C"];

#[tokio::test]
async fn slow_work_on_a_terminal_draws_a_bar_and_clears_it() -> Result<()> {
    let (_directory, path) = file("A=1\nB=2\n")?;
    let path = path.to_string_lossy();
    for (arguments, bar, total, result) in [
        (&EXPORT[..], BAR, "/4", "{\"A\":\"value\""),
        (&["list"], "listing names [", "/2", "A\r\nB\r\n"),
        (&["key", "list"], "listing names [", "/2", "A\r\nB\r\n"),
        (&["import", path.as_ref()], "writing secrets [", "/2", "2 changed\r\n"),
    ] {
        let server = server()?;
        let address = server.address();
        let token = secret("token");
        let environment = environment(&address, &token, ("KM_ACCESS_MODE", "read_and_write"));
        let mut terminal = Terminal::km(arguments, &environment).await?;
        terminal.wait_for(bar).await?;
        terminal.wait_for(total).await?;
        server.release();
        terminal.wait_for(result).await?;
        let (code, _, shown) = terminal.finish().await?;
        assert_eq!(code, 0, "{shown}");
        let after = shown.rsplit(CLEAR).next().unwrap_or_default();
        assert!(after.contains(result) && !after.contains(bar), "{shown:?}");
    }
    Ok(())
}

#[tokio::test]
async fn log_lines_are_not_mixed_with_the_bar() -> Result<()> {
    let server = server()?;
    let address = server.address();
    let token = secret("token");
    let environment = environment(&address, &token, ("KM_LOG", "trace"));
    let mut terminal = Terminal::km(&EXPORT, &environment).await?;
    terminal.wait_for(BAR).await?;
    server.release();
    let (code, _, shown) = terminal.finish().await?;
    assert_eq!(code, 0);
    assert!(shown.matches(BAR).count() > 1, "no log line while the bar is drawn");
    for line in shown.lines() {
        let visible = line.rsplit(CLEAR).next().unwrap_or_default();
        assert!(!(visible.contains(BAR) && visible.contains("TRACE")), "{line:?}");
    }
    Ok(())
}

#[tokio::test]
async fn fast_work_and_json_output_draw_no_bar() -> Result<()> {
    let server = server()?;
    let address = server.address();
    let token = secret("token");
    let environment = [("HCP_VAULT_ADDR", address.as_str()), ("HCP_VAULT_TOKEN", token.as_str())];
    let fast = ["export", "--format=json", "--only=A"];
    let (code, _, shown) = Terminal::km(&fast, &environment).await?.finish().await?;
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains(BAR) && !shown.contains('\x1b'), "{shown:?}");
    // Fails at its deadline, long after a bar would be drawn.
    let slow = ["export", "--only=SLOW", "--json"];
    let environment = [&environment[..], &[("KM_DEADLINE", "1s")]].concat();
    let (code, _, shown) = Terminal::km(&slow, &environment).await?.finish().await?;
    assert_eq!(code, 4, "{shown}");
    assert!(!shown.contains(BAR) && !shown.contains('\x1b'), "{shown:?}");
    Ok(())
}

#[tokio::test]
async fn slow_work_in_a_pipe_draws_no_bar() -> Result<()> {
    let server = server()?;
    let km: Km = km_against(&server.address()).env("KM_DEADLINE", "1s").env("TERM", "xterm");
    let output = km.args(["export", "--only=SLOW"]).run().await?.expect(4)?;
    assert!(!output.stderr.contains(BAR) && !output.stderr.contains('\x1b'), "{}", output.stderr);
    Ok(())
}
