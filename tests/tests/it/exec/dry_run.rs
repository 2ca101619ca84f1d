//! `--dry-run`: the variables, their names and sources, without values and without the program.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Fixture, Km, Server, secret};

use super::{exec_with_references, fails_before_start, shell};
use crate::cli::common::contains_all;
use crate::login::accessors;

async fn fixture() -> Result<Fixture> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": secret("value"), "user": secret("user") })).await?;
    fixture.put("PATH", json!({ "key": "/nonexistent" })).await?;
    Ok(fixture)
}

fn dry_run(fixture: &Fixture) -> Result<(tempfile::TempDir, Km)> {
    let (directory, km) = exec_with_references(fixture, &["TWO", "GONE", "KM_LOG"])?;
    let options = ["--dry-run", "--also=ONE", "--env=LONG_NAME=ONE#user", "--allow-missing"];
    Ok((directory, km.env("TWO", secret("inherited")).args(options)))
}

#[tokio::test]
async fn dry_run_prints_a_table_of_variables_and_sources_without_values() -> Result<()> {
    let fixture = fixture().await?;
    let (directory, km) = dry_run(&fixture)?;
    let marker = directory.path().join("started");
    let output = km.args(shell(&format!("touch '{}'", marker.display()))).run().await?.expect(0)?;
    let expected = "\
        VARIABLE   NAME      SOURCE       VERSION\n\
        TWO        TWO       environment  -\n\
        GONE       GONE      missing      -\n\
        KM_LOG     KM_LOG    missing      -\n\
        ONE        ONE       vault        1\n\
        LONG_NAME  ONE#user  vault        1\n";
    assert_eq!(output.text()?, expected);
    assert!(!marker.exists(), "the program was started");
    assert_eq!(accessors(&fixture).await?.len(), 0, "the token was not revoked");
    Ok(())
}

#[tokio::test]
async fn dry_run_without_a_program_prints_json() -> Result<()> {
    let fixture = fixture().await?;
    let (_directory, km) = dry_run(&fixture)?;
    let output = km.args(["--json"]).run().await?.expect(0)?;
    let row = |variable: &str, name: &str, field: Option<&str>, source: Option<&str>| {
        let version = (source == Some("vault")).then_some(1);
        json!({ "variable": variable, "name": name, "field": field, "source": source,
            "version": version })
    };
    let expected = json!({ "variables": [
        row("TWO", "TWO", None, Some("environment")),
        row("GONE", "GONE", None, None),
        row("KM_LOG", "KM_LOG", None, None),
        row("ONE", "ONE", None, Some("vault")),
        row("LONG_NAME", "ONE", Some("user"), Some("vault")),
    ] });
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout)?, expected);
    Ok(())
}

/// What would prevent the start fails with the same exit code.
#[tokio::test]
async fn dry_run_fails_where_the_program_would_not_be_started() -> Result<()> {
    let fixture = fixture().await?;
    for (option, code, kind, part) in [
        ("--only=GONE", 6, "not_found", "GONE"),
        ("--only=PATH", 2, "usage", "--danger-env"),
        ("--env=A=ONE#absent", 8, "stored_value", "ONE"),
    ] {
        let km = || fixture.km().args(["exec", "--dry-run", "--watch", option]);
        contains_all(&fails_before_start(km, &shell("true"), code, kind).await?, &[part])?;
    }
    Ok(())
}

#[tokio::test]
async fn program_is_required_without_dry_run() -> Result<()> {
    let fixture = fixture().await?;
    let km = || fixture.km().args(["exec", "--only=ONE"]);
    fails_before_start(km, &[""; 0], 2, "usage").await.map(drop)
}
