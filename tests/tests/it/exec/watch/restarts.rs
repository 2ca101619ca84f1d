//! Restarts: one for all values that have changed, and none without a change.

use anyhow::Result;
use serde_json::json;
use testkit::{Server, secret};

use super::program::{Watched, exec_watch, wait_for_reread};
use crate::cli::common::contains_all;
use crate::login::accessors;
use crate::relay::Relay;

/// A script that prints its value, so that each start prints a line.
const PRINT_VALUE: &str = "echo \"$ONE\"";

#[tokio::test]
async fn rotated_value_restarts_the_program() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let values = ["first", "second", "third"].map(secret);
    fixture.put("ONE", json!({ "key": values[0] })).await?;
    let mut program = Watched::start(exec_watch(&fixture, &["ONE"]), PRINT_VALUE).await?;
    for (count, value) in values.iter().enumerate() {
        if count > 0 {
            fixture.put("ONE", json!({ "key": value })).await?;
        }
        assert_eq!(program.line().await?, *value);
    }
    program.wait_for_log("count=2").await?;
    assert_eq!(accessors(&fixture).await?.len(), 1, "more than one login");
    program.signal("TERM")?;
    let stderr = program.wait_for_exit(143).await?;
    contains_all(
        &stderr,
        &["restarted the program", "names=\"ONE\" count=1", "names=\"ONE\" count=2"],
    )?;
    assert_eq!(accessors(&fixture).await?.len(), 0, "the token was not revoked");
    Ok(())
}

#[tokio::test]
async fn new_version_with_the_same_bytes_does_not_restart() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let (first, second) = (secret("first"), secret("second"));
    fixture.put("ONE", json!({ "key": first })).await?;
    let km = exec_watch(&fixture, &["ONE"]).env("HCP_VAULT_ADDR", relay.address());
    let mut program = Watched::start(km, PRINT_VALUE).await?;
    assert_eq!(program.line().await?, first);
    fixture.put("ONE", json!({ "key": first, "other": "field" })).await?;
    wait_for_reread(&relay).await?;
    fixture.put("ONE", json!({ "key": second })).await?;
    // Another restart would have printed the first value again.
    assert_eq!(program.line().await?, second);
    program.wait_for_log("count=1").await?;
    program.signal("TERM")?;
    program.wait_for_exit(143).await.map(drop)
}

/// Each change is detected by itself within 600 ms, which is longer than the time that `km` waits
/// for further changes, so that `km` has to read all names before the restart.
#[tokio::test]
async fn names_that_change_together_cause_one_restart() -> Result<()> {
    const COUNT: usize = 20;
    let fixture = Server::shared().await?.fixture().await?;
    let names: Vec<_> = (0..COUNT).map(|number| format!("NAME_{number}")).collect();
    let put = async |name: &str, version: u32| {
        fixture.put(name, json!({ "key": format!("{name}.{version}") })).await
    };
    let line = |versions: [u32; 2]| {
        let version = |index| if index == 0 { versions[0] } else { versions[1] };
        let values = names.iter().enumerate();
        let values = values.map(|(index, name)| format!("{name}.{}", version(index)));
        values.collect::<Vec<_>>().join(" ")
    };
    for name in &names {
        put(name, 1).await?;
    }
    let all_names: Vec<_> = names.iter().map(String::as_str).collect();
    let variables = names.iter().map(|name| format!("${name}")).collect::<Vec<_>>().join(" ");
    let km = exec_watch(&fixture, &all_names).env("HCP_VAULT_REFRESH_INTERVAL", "6");
    let mut program = Watched::start(km, &format!("echo {variables}")).await?;
    assert_eq!(program.line().await?, line([1, 1]));
    for name in &names {
        put(name, 2).await?;
    }
    assert_eq!(program.line().await?, line([2, 2]));
    let stderr = program.wait_for_log("count=1").await?;
    contains_all(&stderr, &[&format!("names=\"{}\"", names.join(", "))])?;
    put(&names[0], 3).await?;
    assert_eq!(program.line().await?, line([3, 2]));
    contains_all(&program.wait_for_log("count=2").await?, &["names=\"NAME_0\" "])?;
    program.signal("TERM")?;
    program.wait_for_exit(143).await.map(drop)
}

#[tokio::test]
async fn value_from_the_environment_is_not_watched() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (first, second) = (secret("first"), secret("second"));
    fixture.put("ONE", json!({ "key": first })).await?;
    fixture.put("OWN", json!({ "key": first })).await?;
    let km = exec_watch(&fixture, &["ONE", "OWN"]).env("KM_HOSTED_KEYS", "ONE").env("OWN", "own");
    let mut program = Watched::start(km, "echo \"$ONE $OWN\"").await?;
    assert_eq!(program.line().await?, format!("{first} own"));
    for name in ["OWN", "ONE"] {
        fixture.put(name, json!({ "key": second })).await?;
    }
    assert_eq!(program.line().await?, format!("{second} own"));
    program.signal("TERM")?;
    program.wait_for_exit(143).await.map(drop)
}
