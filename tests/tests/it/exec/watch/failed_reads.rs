//! Values that cannot be read: the program keeps running with the old values until they can.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use anyhow::Result;
use serde_json::json;
use testkit::{Server, secret};

use super::program::{Watched, exec_watch, wait_for_reread};
use crate::cli::common::{contains_all, km_against};
use crate::cli::listener::{Reply, Scripted};
use crate::relay::Relay;

/// A script that prints its value at each start and on SIGUSR1.
const PRINT_VALUE: &str = "trap 'echo \"has $ONE\"' USR1; echo \"$ONE\"";

const UNREADABLE: &str = "cannot update the values";

#[tokio::test]
async fn unreadable_value_keeps_the_program_running_with_the_old_one() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (first, second) = (secret("first"), secret("second"));
    let withheld = [
        ("deleted", "DELETE", None),
        ("another field", "POST", Some(json!({ "data": { "other": second } }))),
        ("a NUL", "POST", Some(json!({ "data": { "key": "\0" } }))),
        ("too large", "POST", Some(json!({ "data": { "key": "a".repeat(128 * 1024) } }))),
    ];
    for (what, method, body) in withheld {
        fixture.put("ONE", json!({ "key": first })).await?;
        let mut program = Watched::start(exec_watch(&fixture, &["ONE"]), PRINT_VALUE).await?;
        assert_eq!(program.line().await?, first, "{what}");
        fixture.server().must(method, &format!("{}/data/ONE", fixture.mount), body).await?;
        contains_all(&program.wait_for_log(UNREADABLE).await?, &["WARN", "ONE"])?;
        program.signal("USR1")?;
        assert_eq!(program.line().await?, format!("has {first}"), "{what}");
        fixture.put("ONE", json!({ "key": second })).await?;
        assert_eq!(program.line().await?, second, "{what}");
        program.wait_for_log("count=1").await?;
        program.signal("TERM")?;
        let stderr = program.wait_for_exit(143).await?;
        assert_eq!(stderr.matches(UNREADABLE).count(), 1, "{stderr}");
    }
    Ok(())
}

/// Each value is within its limit, but all of them together exceed the limit of the environment.
#[tokio::test]
async fn values_too_large_together_keep_the_program_running() -> Result<()> {
    const COUNT: usize = 60;
    let fixture = Server::shared().await?.fixture().await?;
    let (first, second) = (secret("first"), secret("second"));
    fixture.put("ONE", json!({ "key": first })).await?;
    let names: Vec<_> = (0..COUNT).map(|number| format!("NAME_{number}")).collect();
    for name in &names {
        fixture.put(name, json!({ "key": "small" })).await?;
    }
    let all_names: Vec<_> = names.iter().map(String::as_str).chain(["ONE"]).collect();
    let km = exec_watch(&fixture, &all_names).env("KM_DEADLINE", "60s");
    let mut program = Watched::start(km, PRINT_VALUE).await?;
    assert_eq!(program.line().await?, first);
    for name in &names {
        fixture.put(name, json!({ "key": "a".repeat(120 * 1024) })).await?;
    }
    contains_all(&program.wait_for_log("too large").await?, &["WARN", "NAME_"])?;
    program.signal("USR1")?;
    // A few large values may have fitted together, in which case the program was restarted with
    // them.
    wait_for_line_after(&mut program, &first, &format!("has {first}")).await?;
    for name in &names {
        fixture.put(name, json!({ "key": "small" })).await?;
    }
    fixture.put("ONE", json!({ "key": second })).await?;
    wait_for_line_after(&mut program, &first, &second).await?;
    program.signal("TERM")?;
    program.wait_for_exit(143).await.map(drop)
}

/// Waits for a line, before which `other` may occur any number of times.
async fn wait_for_line_after(program: &mut Watched, other: &str, expected: &str) -> Result<()> {
    loop {
        let line = program.line().await?;
        if line == expected {
            return Ok(());
        }
        assert_eq!(line, other);
    }
}

/// The value is the one that the program has already.
#[tokio::test]
async fn restored_value_does_not_restart_the_program() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let (first, second) = (secret("first"), secret("second"));
    fixture.put("ONE", json!({ "key": first })).await?;
    let km = exec_watch(&fixture, &["ONE"]).env("HCP_VAULT_ADDR", relay.address());
    let mut program = Watched::start(km, PRINT_VALUE).await?;
    assert_eq!(program.line().await?, first);
    let server = fixture.server();
    server.must("DELETE", &format!("{}/data/ONE", fixture.mount), None).await?;
    program.wait_for_log(UNREADABLE).await?;
    let versions = json!({ "versions": [1] });
    server.must("POST", &format!("{}/undelete/ONE", fixture.mount), versions).await?;
    wait_for_reread(&relay).await?;
    fixture.put("ONE", json!({ "key": second })).await?;
    assert_eq!(program.line().await?, second);
    program.wait_for_log("count=1").await?;
    program.signal("TERM")?;
    program.wait_for_exit(143).await.map(drop)
}

#[tokio::test]
async fn allowed_missing_name_may_appear_but_not_disappear() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (first, second) = (secret("first"), secret("second"));
    let km = exec_watch(&fixture, &["ONE", "NEVER"]).args(["--allow-missing"]);
    let mut program = Watched::start(km, PRINT_VALUE).await?;
    assert_eq!(program.line().await?, "");
    fixture.put("ONE", json!({ "key": first })).await?;
    assert_eq!(program.line().await?, first);
    fixture.server().must("DELETE", &format!("{}/data/ONE", fixture.mount), None).await?;
    program.wait_for_log(UNREADABLE).await?;
    program.signal("USR1")?;
    assert_eq!(program.line().await?, format!("has {first}"));
    fixture.put("ONE", json!({ "key": second })).await?;
    assert_eq!(program.line().await?, second);
    program.signal("TERM")?;
    program.wait_for_exit(143).await.map(drop)
}

#[tokio::test]
async fn sealed_server_keeps_the_program_running_until_unsealed() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let relay = Relay::to(server.address(), "").await?;
    let (first, second) = (secret("first"), secret("second"));
    fixture.put("ONE", json!({ "key": first })).await?;
    let km = exec_watch(&fixture, &["ONE"]).env("HCP_VAULT_ADDR", relay.address());
    let mut program = Watched::start(km, PRINT_VALUE).await?;
    assert_eq!(program.line().await?, first);
    server.seal().await?;
    wait_for_reread(&relay).await?;
    program.signal("USR1")?;
    assert_eq!(program.line().await?, format!("has {first}"));
    server.unseal().await?;
    fixture.put("ONE", json!({ "key": second })).await?;
    assert_eq!(program.line().await?, second);
    program.signal("TERM")?;
    program.wait_for_exit(143).await.map(drop)
}

/// A change is known when the server fails to return another name, which then recovers with its old
/// value: no further change is detected.
#[tokio::test]
async fn detected_change_survives_an_outage_of_another_name() -> Result<()> {
    let phase = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&phase);
    let server = Scripted::with_token(move |request| {
        let version = |version: usize| {
            let metadata = json!({ "version": version, "created_time": "2026-01-01T00:00:00Z",
                "deletion_time": "", "destroyed": false, "custom_metadata": null });
            let data = json!({ "data": { "key": version.to_string() }, "metadata": metadata });
            Reply::Json(200, json!({ "data": data }))
        };
        match (request, now.load(Relaxed)) {
            ("GET /v1/secret/data/ONE", 0) => version(1),
            ("GET /v1/secret/data/ONE", _) => version(2),
            ("GET /v1/secret/data/OTHER", 1) => {
                Reply::Json(500, json!({ "errors": ["internal error"] }))
            }
            ("GET /v1/secret/data/OTHER", _) => version(1),
            _ => Reply::Json(404, json!({ "errors": [] })),
        }
    })?;
    let km = km_against(&server.address()).env("HCP_VAULT_REFRESH_INTERVAL", "1");
    let km = km.env("KM_DEADLINE", "1s");
    let km = km.args(["exec", "--watch", "--only=ONE", "--only=OTHER"]);
    let mut program = Watched::start(km, "echo \"$ONE $OTHER\"").await?;
    assert_eq!(program.line().await?, "1 1");
    phase.store(1, Relaxed);
    contains_all(&program.wait_for_log(UNREADABLE).await?, &["OTHER"])?;
    phase.store(2, Relaxed);
    assert_eq!(program.line().await?, "2 1");
    program.wait_for_log("names=\"ONE\" count=1").await?;
    program.signal("TERM")?;
    program.wait_for_exit(143).await.map(drop)
}
