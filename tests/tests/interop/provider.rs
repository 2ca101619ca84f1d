//! Provider secrets: LiteLLM's secret manager, and `km write`, `km read` and `km delete`.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::step::Key::Alias;
use crate::step::Step::{Rotate, Store};
use crate::step::Who::{self, Km, LiteLlm};
use crate::step::{ONE, TWO};
use crate::world::{Gateway, World};

async fn write(who: Who, gateway: &Gateway<'_>, name: &str, described: Option<&str>) -> Result<()> {
    if who == LiteLlm {
        let request = json!({ "name": name, "value": ONE, "description": described });
        return accepted(&gateway.litellm("manager_write", request).await?);
    }
    let description: Vec<_> =
        described.into_iter().flat_map(|text| ["--description", text]).collect();
    let km = gateway.km().args(["write"]).args(description).args(["--", name]).stdin(ONE);
    km.run().await?.expect(0).map(drop)
}

async fn read(who: Who, gateway: &Gateway<'_>, name: &str) -> Result<Value> {
    if who == LiteLlm {
        return gateway.litellm("manager_read", json!({ "name": name })).await;
    }
    let read = gateway.km().args(["read", "--", name]).run().await?.expect(0)?;
    Ok(read.text()?.into())
}

async fn delete(who: Who, gateway: &Gateway<'_>, name: &str) -> Result<()> {
    if who == LiteLlm {
        return accepted(&gateway.litellm("manager_delete", json!({ "name": name })).await?);
    }
    gateway.km().args(["delete", "--", name]).run().await?.expect(0).map(drop)
}

/// The secret manager reports what the hooks suppress.
fn accepted(answer: &Value) -> Result<()> {
    ensure!(answer.is_object() && answer["status"] != "error", "LiteLLM's manager: {answer}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn provider_secret_is_the_same_to_both() -> Result<()> {
    let world = World::new().await?.env("HCP_VAULT_PATH_PREFIX", "/provider keys/");
    let gateway = world.gateway(json!({}), None)?;
    for (name, description) in [
        ("OPENAI_API_KEY", None),
        ("OPENAI_API_KEY", Some("of the search team")),
        ("azure/eu west/ключ", Some("\"ü\"\n")),
    ] {
        let mut measure = None;
        for (who, other) in [(LiteLlm, Km), (Km, LiteLlm)] {
            world.wipe().await?;
            write(who, &gateway, name, description).await?;
            let written = world.stored().await?;
            assert_eq!(read(other, &gateway, name).await?, ONE, "{name} by {who:?}");
            delete(other, &gateway, name).await?;
            let outcome = [written, world.stored().await?];
            assert_eq!(outcome, *measure.get_or_insert(outcome.clone()), "{name} by {who:?}");
        }
        let [written, _] = measure.context("nothing was written")?;
        let data = match description {
            Some(text) => json!({ "key": ONE, "description": text }),
            None => json!({ "key": ONE }),
        };
        let place = format!("{}/data/provider keys/{name}", world.mount());
        let document = json!({ "data": data, "version": 1 });
        assert_eq!(written.iter().collect::<Vec<_>>(), [(&place, &document)]);
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn rotation_by_the_secret_manager_is_the_same() -> Result<()> {
    let world = World::new().await?;
    let team = json!({ "path_prefix": "its/own", "data": "password" });
    let gateway = world.gateway(json!({}), Some(team.clone()))?;
    for to in ["key", "other"] {
        let mut outcomes = Vec::new();
        for who in [LiteLlm, Km] {
            world.wipe().await?;
            Store(Alias("key"), ONE).done_by(Km, &gateway).await?;
            if who == LiteLlm {
                let (name, to) = ("litellm/key", format!("litellm/{to}"));
                let request = json!({ "name": name, "to": to, "value": TWO, "params": team });
                accepted(&gateway.litellm("manager_rotate", request).await?)?;
            } else {
                Rotate(Alias("key"), TWO, Some(to)).done_by(Km, &gateway).await?;
            }
            outcomes.push(world.stored().await?);
        }
        assert_eq!(outcomes[0], outcomes[1], "to {to}");
    }
    Ok(())
}
