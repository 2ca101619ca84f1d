//! The class for LiteLLM's custom system: called by LiteLLM's hooks over `km serve`, it leaves the
//! same data as `km key`.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Running, secret};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::step::Key::{Alias, Token};
use crate::step::{ONE, Step, THREE, TWO, Who};
use crate::world::{Gateway, World};

/// A `km serve` with a gateway's settings. It ends on drop.
struct Serving {
    km_serve: String,
    running: Running,
    _files: TempDir,
}

async fn serve(gateway: &Gateway<'_>) -> Result<Serving> {
    let files = tempfile::tempdir()?;
    let km_serve = format!("unix:{}", files.path().join("km.sock").display());
    let km = gateway.program().args(["serve", "--listen", &km_serve]);
    let mut running = km.start().await?;
    let stdout = running.child().stdout.take().context("no stdout")?;
    // It prints its address once it listens.
    let line = BufReader::new(stdout).lines().next_line().await?;
    ensure!(line.is_some(), "km serve ended");
    Ok(Serving { km_serve, running, _files: files })
}

/// Runs the steps by LiteLLM through `km serve`, and by `km key`. After each step the server has
/// the same data.
async fn check(world: &World, team: Option<Value>, steps: &[Step<'_>]) -> Result<()> {
    let mut left = Vec::new();
    for who in [Who::Km, Who::LiteLlm] {
        world.wipe().await?;
        let gateway = world.gateway(json!({}), team.clone())?;
        let serving = serve(&gateway).await?;
        let gateway = gateway.through(&serving.km_serve);
        let mut after = Vec::new();
        for step in steps {
            step.done_by(who, &gateway).await?;
            after.push(world.stored().await?);
        }
        left.push(after);
        serving.running.signal("TERM")?;
        serving.running.finish().await?.expect(0)?;
    }
    ensure!(left.first() == left.last(), "{team:?}: {left:#?}");
    ensure!(left.iter().flatten().all(|stored| !stored.is_empty()), "nothing was stored");
    Ok(())
}

const STEPS: [Step<'_>; 8] = [
    Step::Store(Alias("alice"), ONE),
    Step::Rotate(Alias("alice"), TWO, None),
    Step::Rotate(Alias("alice"), THREE, Some("bob")),
    Step::Rename(Alias("bob"), "a team/carol?"),
    Step::Delete(Alias("a team/carol?")),
    Step::Store(Token("abc123"), ONE),
    Step::Rename(Token("abc123"), "named"),
    Step::Rotate(Alias("named"), TWO, None),
];

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn hooks_store_rotate_rename_and_delete() -> Result<()> {
    check(&World::new().await?, None, &STEPS).await
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn team_keys_are_at_the_location_of_the_team() -> Result<()> {
    let world = World::with_mounts(&["teams/team-a/kv-prod"]).await?;
    let team = json!({
        "namespace": "teams/team-a", "mount": "kv-prod", "path_prefix": "llm", "data": "password",
    });
    check(&world, Some(team), &STEPS).await
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn provider_key_is_read_and_failures_are_raised() -> Result<()> {
    let world = World::new().await?;
    let gateway = world.gateway(json!({}), None)?;
    let value = secret("provider");
    let write = gateway.program().args(["write", "OPENAI_API_KEY"]).stdin(value.clone());
    write.run().await?.expect(0)?;
    let serving = serve(&gateway).await?;
    let gateway = gateway.through(&serving.km_serve);
    let read = gateway.litellm("provider_key", json!({ "name": "OPENAI_API_KEY" })).await?;
    ensure!(read == value.as_str(), "another value");
    let none = gateway.litellm("provider_key", json!({ "name": "NOBODYS_KEY" })).await?;
    ensure!(none.is_null(), "a value for a name that is not there");

    // LiteLLM's hooks suppress what the class raises.
    let rotation = json!({ "name": "elsewhere/a", "to": "elsewhere/b", "value": ONE });
    let failed = gateway.litellm("manager_rotate", rotation).await.err().context("no error")?;
    ensure!(format!("{failed:#}").contains("is not a virtual key"), "{failed:#}");
    let taken = json!({ "name": "litellm/a", "value": ONE });
    gateway.litellm("manager_write", taken).await?;
    gateway.litellm("manager_write", json!({ "name": "litellm/b", "value": TWO })).await?;
    let rotation = json!({ "name": "litellm/a", "to": "litellm/b", "value": THREE });
    let failed = gateway.litellm("manager_rotate", rotation).await.err().context("no error")?;
    ensure!(format!("{failed:#}").contains("conflict"), "{failed:#}");
    ensure!(!format!("{failed:#}").contains("PLANTED"), "a value in an error");
    Ok(())
}
