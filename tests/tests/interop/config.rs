//! The references that LiteLLM's loader finds in a configuration are those that `km exec` resolves.

mod generator;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::{Km, Server};
use tokio::task::JoinSet;

use crate::world::World;
use generator::{Generator, NAMES, PREFIX};

const CONFIGURATIONS: u64 = 200;
const AT_A_TIME: usize = 4;

type Names = BTreeSet<String>;

/// Returns the names that LiteLLM finds in each file, or an error if it rejects one.
async fn by_litellm(world: &World, files: &[PathBuf]) -> Result<Vec<Names>> {
    let gateway = world.gateway(json!({}), None)?;
    let answer = gateway.litellm("references", json!({ "files": files })).await?;
    let answers = answer.as_array().context("no list of answers")?;
    ensure!(answers.len() == files.len(), "{} answers", answers.len());
    answers.iter().zip(files).map(|(answer, file)| names_in(answer, file)).collect()
}

fn names_in(answer: &Value, file: &PathBuf) -> Result<Names> {
    let names = answer["names"].as_array();
    let names = names.with_context(|| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        format!("LiteLLM refuses {}: {}\n{text}", file.display(), answer["raised"])
    })?;
    names.iter().map(|name| Ok(name.as_str().context("a name is no text")?.to_owned())).collect()
}

/// Returns the names that a program of `km exec` finds in its environment.
async fn by_km(km: Km, file: PathBuf) -> Result<(PathBuf, Names)> {
    let km = km.args(["--config".as_ref(), file.as_os_str()]);
    let output = km.args(["exec", "--", "/usr/bin/env"]).run().await?;
    let output = output.expect(0).with_context(|| {
        format!("{}\n{}", file.display(), std::fs::read_to_string(&file).unwrap_or_default())
    })?;
    let variables = output.text()?.lines().filter_map(|line| line.split_once('='));
    let names = variables.filter(|(name, value)| name.starts_with(PREFIX) && value == name);
    let names = names.map(|(name, _)| name.to_owned()).collect();
    Ok((file, names))
}

fn km(world: &World) -> Km {
    world.env.iter().fold(Km::new(), |km, (name, value)| km.env(name, value))
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn generated_configurations_reference_the_same_names() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for index in 0..NAMES {
        let name = format!("{PREFIX}{index}");
        fixture.put(&name, json!({ "key": name })).await?;
    }
    let world = World::on(fixture);
    let directory = tempfile::tempdir()?;
    let mut files = Vec::new();
    for seed in 0..CONFIGURATIONS {
        files.push(Generator::new(seed).write(&directory.path().join(seed.to_string()))?);
    }
    let expected = by_litellm(&world, &files).await?;
    let expected: std::collections::BTreeMap<_, _> = files.iter().cloned().zip(expected).collect();
    let (mut waiting, mut runs) = (files.into_iter(), JoinSet::new());
    let mut different = Vec::new();
    loop {
        while runs.len() < AT_A_TIME
            && let Some(file) = waiting.next()
        {
            runs.spawn(by_km(km(&world), file));
        }
        let Some(run) = runs.join_next().await else { break };
        let (file, names) = run??;
        if expected.get(&file) != Some(&names) {
            let text = std::fs::read_to_string(&file)?;
            different.push(format!("{names:?} instead of {:?}:\n{text}", expected.get(&file)));
        }
    }
    ensure!(different.is_empty(), "{} differ; {}", different.len(), different.join("\n"));
    // A generator without references would prove nothing.
    let count: usize = expected.values().map(BTreeSet::len).sum();
    ensure!(count > 1000, "only {count} references");
    Ok(())
}

/// The known differences: files that LiteLLM reads otherwise or rejects, with the names that `km`
/// finds. The reasons are in `docs/litellm.md`.
#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn known_configurations_are_read_differently() -> Result<()> {
    let world = World::new().await?;
    let gateway = world.gateway(json!({}), None)?;
    let directory = tempfile::tempdir()?;
    for (text, refused, code) in [
        // Accepted by km, which only validates its own settings.
        ("a: !custom os.environ/HOME\n", true, 0),
        ("? [a]\n: b\n", true, 0),
        ("", true, 0),
        ("a:\tos.environ/HOME\n", true, 0),
    ] {
        let file = directory.path().join("config.yaml");
        std::fs::write(&file, text)?;
        let answer = gateway.litellm("references", json!({ "files": [file] })).await?;
        assert_eq!(answer[0]["raised"].is_string(), refused, "{text:?}: {answer}");
        let run = km(&world).args(["--config".as_ref(), file.as_os_str()]);
        let run = run.args(["exec", "--allow-missing", "--", "/bin/true"]).run().await?;
        assert_eq!(run.code, code, "{text:?}: {}", run.stderr);
    }
    Ok(())
}
