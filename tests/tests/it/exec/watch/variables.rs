//! Variables that are bound by options: fields of one secret, and the secrets under a prefix.

use anyhow::Result;
use serde_json::json;
use testkit::Server;

use super::program::{Watched, exec_watch};
use crate::cli::common::contains_all;

#[tokio::test]
async fn fields_of_one_secret_change_together() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let put = async |user: &str, password: &str| {
        fixture.put("ONE", json!({ "user": user, "key": password })).await
    };
    put("first", "first").await?;
    let km = exec_watch(&fixture, &[]).args(["--env=LOGIN=ONE#user", "--env=PASSWORD=ONE"]);
    let mut program = Watched::start(km, "echo \"$LOGIN $PASSWORD\"").await?;
    assert_eq!(program.line().await?, "first first");
    put("second", "second").await?;
    assert_eq!(program.line().await?, "second second");
    contains_all(&program.wait_for_log("count=1").await?, &["names=\"LOGIN, PASSWORD\""])?;
    put("third", "second").await?;
    assert_eq!(program.line().await?, "third second");
    contains_all(&program.wait_for_log("count=2").await?, &["names=\"LOGIN\""])?;
    program.signal("TERM")?;
    program.wait_for_exit(143).await.map(drop)
}

/// The names under the prefix are those at the start. A deleted one keeps its value.
#[tokio::test]
async fn names_under_a_prefix_are_those_at_the_start() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for name in ["f/A", "f/B"] {
        fixture.put(name, json!({ "key": "first" })).await?;
    }
    let km = exec_watch(&fixture, &[]).args(["--all-under=f"]);
    let mut program = Watched::start(km, "echo \"$A $B $C\"").await?;
    assert_eq!(program.line().await?, "first first ");
    fixture.put("f/C", json!({ "key": "new" })).await?;
    fixture.put("f/A", json!({ "key": "second" })).await?;
    assert_eq!(program.line().await?, "second first ");
    fixture.server().must("DELETE", &format!("{}/data/f/A", fixture.mount), None).await?;
    program.wait_for_log("cannot update the values").await?;
    program.signal("TERM")?;
    program.wait_for_exit(143).await.map(drop)
}
