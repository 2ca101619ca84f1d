//! How the sidecar is found, what is printed, and the exit codes.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Km, Output, Server, leaks, secret, write_private};

use crate::cli::common::contains_all;
use crate::cli::listener::{Reply, Scripted, closed_port};
use crate::serve::sidecar::Sidecar;

/// Starts a sidecar on the default socket of a directory.
async fn on_default_socket(directory: &Path) -> Result<Sidecar> {
    let km = Km::new().env("HCP_VAULT_TOKEN", "t").env("XDG_RUNTIME_DIR", directory);
    Sidecar::run(km.args(["serve"])).await
}

async fn status(server: &str) -> Result<Output> {
    Km::new().args(["status", "--server", server]).run().await
}

#[tokio::test]
async fn sidecar_is_found_by_option_variable_and_default_socket() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let sidecar = on_default_socket(directory.path()).await?;
    let base = || Km::new().args(["status", "--json"]);
    let nowhere = format!("unix:{}", directory.path().join("nowhere").display());
    for km in [
        base().env("XDG_RUNTIME_DIR", directory.path()),
        base().env("KM_SERVE_ADDR", &sidecar.address),
        base().env("KM_SERVE_ADDR", &sidecar.address).env("XDG_RUNTIME_DIR", "/nowhere"),
        base().env("KM_SERVE_ADDR", &nowhere).args(["--server", &sidecar.address]),
    ] {
        let output = km.run().await?.expect(0)?;
        let status: Value = serde_json::from_str(output.text()?)?;
        assert_eq!(status["login"]["method"], "token");
        assert_eq!(output.text()?.lines().count(), 1);
    }
    // Neither an address nor a default.
    let output = base().run().await?.expect(2)?;
    contains_all(&output.stderr, &["--server", "XDG_RUNTIME_DIR"])
}

#[tokio::test]
async fn token_file_is_used_on_tcp_and_a_wrong_token_exits_3() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let port = sidecar.address.rsplit_once(':').map(|(_, port)| port).unwrap_or_default();
    let file = sidecar.files.path().join("token");
    let link = sidecar.files.path().join("link");
    std::os::unix::fs::symlink(&file, &link)?;
    for server in [
        sidecar.address.clone(),
        format!("http://{}", sidecar.address),
        format!("localhost:{port}"),
    ] {
        for file in [&file, &link] {
            let km = Km::new().env("KM_SERVE_TOKEN_FILE", file);
            km.args(["status", "--server", &server]).run().await?.expect(0)?;
        }
    }
    let wrong = sidecar.files.path().join("wrong");
    write_private(&wrong, secret("another-token"))?;
    let km = || Km::new().args(["status", "--json", "--server", &sidecar.address]);
    for km in [km(), km().env("KM_SERVE_TOKEN_FILE", &wrong)] {
        let output = km.run().await?.expect(3)?;
        let error: Value = serde_json::from_str(&output.stderr)?;
        assert_eq!(error["error"]["kind"], "auth");
        contains_all(&output.stderr, &["KM_SERVE_TOKEN_FILE"])?;
        assert!(output.stdout.is_empty());
    }
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn unusable_token_file_exits_2_and_sends_nothing() -> Result<()> {
    let server = Scripted::new(|_| Reply::Close)?;
    let directory = tempfile::tempdir()?;
    let empty = directory.path().join("empty");
    write_private(&empty, "\n")?;
    let address = server.address();
    for file in [&empty, &directory.path().join("absent"), directory.path()] {
        let km = Km::new().env("KM_SERVE_TOKEN_FILE", file);
        let output = km.args(["status", "--server", &address]).run().await?.expect(2)?;
        contains_all(&output.stderr, &["km: settings: KM_SERVE_TOKEN_FILE", "hint: "])?;
    }
    assert!(server.requests().is_empty());
    Ok(())
}

#[tokio::test]
async fn status_without_a_sidecar_exits_4_with_a_hint() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = |name: &str| format!("unix:{}", directory.path().join(name).display());
    // A socket on which no process listens, and a file.
    drop(std::os::unix::net::UnixListener::bind(directory.path().join("stale"))?);
    std::fs::write(directory.path().join("file"), "")?;
    for server in [path("absent"), path("stale"), path("file"), closed_port()?] {
        let output = status(&server).await?.expect(4)?;
        let expected = ["km: connect to km serve at ", "hint: start km serve, or set --server"];
        contains_all(&output.stderr, &expected)?;
        assert_eq!(output.stderr.lines().count(), 2, "{}", output.stderr);
        assert!(output.stdout.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn server_that_is_not_a_sidecar_exits_4() -> Result<()> {
    for reply in [
        (|| Reply::Close) as fn() -> Reply,
        || Reply::html(200),
        || Reply::html(500),
        || Reply::Json(200, json!({ "initialized": true })),
        || Reply::Json(403, json!({ "errors": ["permission denied"] })),
        || Reply::Json(503, json!({ "error": { "kind": "other", "message": "m" } })),
        || Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec()),
    ] {
        let server = Scripted::new(move |_| reply())?;
        let output = status(&server.address()).await?.expect(4)?;
        contains_all(&output.stderr, &["km: request to km serve at 127.0.0.1:", "hint: "])?;
        // Nothing of the response is repeated.
        assert_eq!(leaks::mark_in(&output.stderr), None);
        assert_eq!(server.requests(), ["GET /km/v1/status"]);
    }
    Ok(())
}

#[tokio::test]
async fn error_of_the_sidecar_keeps_its_kind_and_hint() -> Result<()> {
    for (kind, code) in [("usage", 2), ("denied", 5), ("not_found", 6), ("internal", 1)] {
        let error =
            json!({ "error": { "kind": kind, "message": "what: \u{1b}why", "hint": "how" } });
        let server = Scripted::new(move |_| Reply::Json(400, error.clone()))?;
        let output = status(&server.address()).await?.expect(code)?;
        assert_eq!(output.stderr, "km: what: \\u{1b}why\nhint: how\n");
    }
    Ok(())
}

#[tokio::test]
async fn address_that_is_not_on_this_machine_is_rejected() -> Result<()> {
    for server in ["10.0.0.1:8210", "0.0.0.0:8210", "https://127.0.0.1:1", "vault.example:1", ""] {
        let output = status(server).await?.expect(2)?;
        contains_all(&output.stderr, &["km: usage: invalid --server", "hint: use unix:"])?;
    }
    Ok(())
}

#[tokio::test]
async fn piped_table_has_stable_columns_and_no_colors() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let value = secret("value");
    fixture.put("ONE", json!({ "key": value })).await?;
    fixture.put("litellm/alice", json!({ "key": secret("key") })).await?;
    let directory = tempfile::tempdir()?;
    let socket = format!("unix:{}", directory.path().join("s").display());
    let km = fixture.km().env("KM_ACCESS_MODE", "read_and_write");
    let sidecar = Sidecar::run(km.args(["serve", "--listen", &socket])).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    sidecar.get("/km/v1/secrets/ABSENT").await?.expect(404)?;
    let path = format!("/v1/{}/data/litellm/alice", fixture.mount);
    sidecar.get(&path).await?.expect(200)?;
    let run = |arguments: &[&str]| {
        // Colors are for terminals only.
        let km = Km::new().env("CLICOLOR_FORCE", "1").env("TERM", "xterm");
        km.args(["status", "--server", &socket]).args(arguments).run()
    };
    let output = run(&[]).await?.expect(0)?;
    let text = output.text()?;
    assert!(!text.contains('\u{1b}') && !text.contains("alice"), "{text}");
    assert_eq!(leaks::mark_in(text), None, "{text}");
    let row = |name: &str| {
        let row = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        row.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("km serve")[2], "ready,");
    assert_eq!(row("vault")[1], "reachable");
    assert_eq!(row("login")[1..4], ["active", "by", "approle,"]);
    assert_eq!(row("cache")[1..3], ["3", "entries,"]);
    let header = ["SECRET", "STATE", "VERSION", "AGE", "REFRESH", "IN", "SOURCE", "LAST", "ERROR"];
    assert_eq!(row("SECRET"), header);
    assert_eq!(row("ONE")[..3], ["ONE", "fresh", "1"]);
    assert_eq!(row("ABSENT")[..4], ["ABSENT", "negative", "-", "-"]);
    assert_eq!(row("ABSENT")[5..], ["-", "not_found"]);
    assert_eq!(row("HCP_VAULT_APPROLE_SECRET_ID")[1], "(set)");
    assert!(run(&["--keys"]).await?.expect(0)?.text()?.contains("litellm/alice"));
    let json = run(&["--keys", "--json"]).await?.expect(0)?;
    assert!(json.text()?.contains(r#""name":"litellm/alice""#));
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn status_during_the_shutdown_exits_4() -> Result<()> {
    let server = Scripted::with_token(|request| match request {
        "GET /v1/secret/data/ONE" => Reply::Later(404, json!({ "errors": [] })),
        _ => crate::cli::listener::mount_of_version_2(),
    })?;
    let directory = tempfile::tempdir()?;
    let km = Km::new().env("HCP_VAULT_ADDR", server.address()).env("HCP_VAULT_TOKEN", "t");
    let km = km.env("XDG_RUNTIME_DIR", directory.path());
    let sidecar = Sidecar::run(km.args(["serve"])).await?;
    let socket = sidecar.address.clone();
    let (read, output) = tokio::join!(sidecar.get("/km/v1/secrets/ONE"), async {
        let during = async {
            server.wait_for_request("GET /v1/secret/data/ONE").await?;
            sidecar.signal("TERM")?;
            let closed = || async { Ok(!directory.path().join("km.sock").exists()) };
            crate::product::until("the socket is removed", closed).await?;
            status(&socket).await
        };
        let output = during.await;
        server.release();
        output
    });
    contains_all(&output?.expect(4)?.stderr, &["hint: start km serve"])?;
    // The request in flight is completed.
    read?.expect(404)?;
    sidecar.finish().await?.expect(0).map(drop)
}
