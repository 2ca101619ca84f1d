//! A change without check-and-set whose response is lost: exit 7, because it may have been executed,
//! and exit 4 only if it certainly was not. It is never sent twice.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Km, secret};

use crate::cli::common::{NAME, contains_all, fails_as_json, km_against};
use crate::cli::listener::{Replies, Reply, Scripted, mount_of_version_2};

const PATH: &str = "/v1/secret/data/OPENAI_API_KEY";

/// Responds to the requests before the change, and to the change itself with `reply`.
fn server(reply: fn() -> Reply) -> Result<Scripted> {
    let metadata = json!({ "version": 1, "created_time": "2026-01-01T00:00:00Z",
        "deletion_time": "", "destroyed": false, "custom_metadata": null });
    let stored = json!({ "data": { "data": { "key": "old" }, "metadata": metadata } });
    Scripted::new(move |request| {
        if request.starts_with("GET /v1/sys/internal/ui/mounts/") {
            mount_of_version_2()
        } else if request.starts_with("GET") {
            Reply::Json(200, stored.clone())
        } else {
            reply()
        }
    })
}

fn change(server: &Scripted, command: &[&str]) -> Km {
    let km = km_against(&server.address()).env("KM_ACCESS_MODE", "read_and_write");
    km.env("KM_DEADLINE", "2s").args(command).stdin(secret("value"))
}

/// Runs both commands. Each must end with `code`, and with code 7 the change must have been sent
/// once.
async fn check(what: &str, reply: fn() -> Reply, code: i32, kind: &str) -> Result<()> {
    for (arguments, method) in
        [(&["write", NAME, "--replace"][..], "POST"), (&["delete", NAME], "DELETE")]
    {
        let server = server(reply)?;
        let command = arguments[0];
        let output = change(&server, arguments).run().await?;
        assert_eq!(output.code, code, "{command}, {what}: {}", output.stderr);
        assert!(output.stdout.is_empty(), "{command}, {what}");
        if code == 7 {
            contains_all(
                &output.stderr,
                &[&format!("km: {command} {NAME}: "), "may have been executed"],
            )?;
            let sent = server.requests();
            let sent = sent.iter().filter(|sent| **sent == format!("{method} {PATH}")).count();
            assert_eq!(sent, 1, "{command}, {what}");
        }
        fails_as_json(change(&server, arguments).args(["--json"]), code, kind).await?;
    }
    Ok(())
}

fn errors(text: &str) -> Value {
    json!({ "errors": [text] })
}

#[tokio::test]
async fn lost_or_invalid_response_is_exit_7_and_not_retried() -> Result<()> {
    let half =
        || Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"data\":{\"ver".to_vec());
    let cases: Replies<7> = [
        ("the connection was closed", || Reply::Close),
        ("no response", || Reply::Hang),
        ("half a response", half),
        ("an HTML page", || Reply::html(200)),
        ("bad gateway", || Reply::html(502)),
        ("internal error", || Reply::Json(500, errors("leadership lost while committing log"))),
        ("a redirect", || Reply::Json(307, json!({}))),
    ];
    for (what, reply) in cases {
        check(what, reply, 7, "conflict").await?;
    }
    Ok(())
}

#[tokio::test]
async fn rejected_write_is_exit_4() -> Result<()> {
    check("sealed", || Reply::Json(503, errors("Vault is sealed")), 4, "unavailable").await?;
    check("limited", || Reply::Json(429, errors("quota exceeded")), 4, "unavailable").await
}

#[tokio::test]
async fn failure_before_the_write_is_exit_4() -> Result<()> {
    for reply in [|| Reply::Close, || Reply::Hang, || Reply::html(502)] as [fn() -> Reply; 3] {
        let server = Scripted::new(move |_| reply())?;
        for command in [&["write", NAME][..], &["write", NAME, "--replace"], &["delete", NAME]] {
            let output = change(&server, command).run().await?;
            assert_eq!(output.code, 4, "{command:?}: {}", output.stderr);
        }
        let sent = server.requests();
        assert!(sent.iter().all(|sent| sent.starts_with("GET ")), "{sent:?}");
    }
    Ok(())
}
