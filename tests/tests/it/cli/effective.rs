//! `km config`: the effective settings and their sources, without a connection and without secrets.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use testkit::{Km, secret};

use super::common::{contains_all, file, km_against, rejected};
use super::listener::Silent;

/// Runs `km config` as text and as JSON. Returns the text, and the rows of the document.
async fn config(km: impl Fn() -> Km) -> Result<(String, Vec<Value>)> {
    let text = km().args(["config"]).run().await?.expect(0)?.text()?.to_owned();
    let output = km().args(["config", "--json"]).run().await?.expect(0)?;
    assert_eq!(output.stderr, "");
    let document: Value = serde_json::from_slice(&output.stdout)?;
    let rows = document["settings"].as_array().context("no settings")?.clone();
    assert!(!format!("{text}{document}").contains("PLANTED"), "{text}{document}");
    assert_eq!(text.lines().count(), rows.len() + 1, "a header and the rows: {text}");
    Ok((text, rows))
}

fn row(rows: &[Value], name: &str) -> Result<Value> {
    let mut row = rows.iter().find(|row| row["name"] == name).context(name.to_owned())?.clone();
    row.as_object_mut().context("not an object")?.remove("name");
    Ok(row)
}

#[tokio::test]
async fn effective_value_and_source_of_each_setting_are_printed_without_a_connection() -> Result<()>
{
    let silent = Silent::new()?;
    let (_directory, path) = file(
        "general_settings:\n  key_management_settings:\n    km:\n      deadline: 2s\n      \
         max_stale: 3h\n",
    )?;
    let address = silent.address();
    let km = || km_against(&address).env("KM_CONFIG", &path).env("KM_MAX_STALE", "4h");
    let (text, rows) = config(km).await?;
    let file = path.display();
    let key = "general_settings.key_management_settings.km.deadline";
    for (name, value, source) in [
        ("HCP_VAULT_ADDR", &*address, "environment: HCP_VAULT_ADDR"),
        ("KM_DEADLINE", "2s", &format!("{file}:4: {key}")),
        ("KM_MAX_STALE", "4h", "environment: KM_MAX_STALE"),
        ("KM_AUTH_METHOD", "token", "default"),
        ("KM_FALLBACK", "on_missing", "default"),
    ] {
        assert_eq!(row(&rows, name)?, json!({ "value": value, "source": source }), "{name}");
        let line = text.lines().find(|line| line.starts_with(name)).context(name)?;
        contains_all(line, &[value, source])?;
    }
    assert_eq!(row(&rows, "KM_HOSTED_KEYS")?, json!({ "value": null, "source": "default" }));
    contains_all(&text, &["default: all names"])?;
    assert_eq!(silent.connections()?, 0);
    Ok(())
}

#[tokio::test]
async fn credentials_are_masked() -> Result<()> {
    let km = || {
        km_against("https://vault.example.com")
            .env("HCP_VAULT_APPROLE_ROLE_ID", secret("role"))
            .env("HCP_VAULT_APPROLE_SECRET_ID", secret("id"))
    };
    let (text, rows) = config(km).await?;
    let masked = ["HCP_VAULT_TOKEN", "HCP_VAULT_APPROLE_ROLE_ID", "HCP_VAULT_APPROLE_SECRET_ID"];
    for name in masked {
        let source = format!("environment: {name}");
        let expected = json!({ "value": null, "set": true, "source": source });
        assert_eq!(row(&rows, name)?, expected);
    }
    assert_eq!(text.matches("(set)").count(), masked.len(), "{text}");
    let km = || km_against("https://vault.example.com");
    let (_, rows) = config(km).await?;
    let unset = row(&rows, "HCP_VAULT_APPROLE_SECRET_ID")?;
    assert_eq!(unset, json!({ "value": null, "set": false, "source": "default" }));
    Ok(())
}

#[tokio::test]
async fn content_of_files_and_of_other_sections_is_not_printed() -> Result<()> {
    let (_directory, token) = file(secret("token"))?;
    let (_other, yaml) = file(format!(
        "environment_variables:\n  OPENAI_API_KEY: {}\ngeneral_settings:\n  master_key: {}\n  \
         key_management_settings:\n    description: os.environ/PRIVATE\n",
        secret("variable"),
        secret("master"),
    ))?;
    let km = || {
        Km::new()
            .env("HCP_VAULT_ADDR", "https://vault.example.com")
            .env("KM_TOKEN_FILE", &token)
            .env("KM_CONFIG", &yaml)
            .env("PRIVATE", secret("private"))
    };
    let (_, rows) = config(km).await?;
    let path = token.display().to_string();
    assert_eq!(row(&rows, "KM_TOKEN_FILE")?["value"], path, "the name of the file is printed");
    assert_eq!(row(&rows, "KM_DESCRIPTION")?["set"], true);
    Ok(())
}

#[tokio::test]
async fn setting_of_an_included_file_names_that_file() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let (root, included) = (directory.path().join("root.yaml"), directory.path().join("km.yaml"));
    std::fs::write(&root, "include: [km.yaml]\n")?;
    std::fs::write(&included, "general_settings: {key_management_settings: {description: d}}\n")?;
    let km =
        || km_against("https://vault.example.com").env("KM_CONFIG", &root).env("KM_LOG", "off");
    let (_, rows) = config(km).await?;
    let source = row(&rows, "KM_DESCRIPTION")?["source"].as_str().unwrap_or_default().to_owned();
    assert!(source.starts_with(&format!("{}:1: ", included.display())), "{source}");
    Ok(())
}

#[tokio::test]
async fn address_with_user_info_is_rejected_without_being_printed() -> Result<()> {
    let address = format!("https://user:{}@vault.example.com", secret("password"));
    let name = "HCP_VAULT_ADDR";
    rejected("settings", |km| km.env_remove(name).env(name, &address).args(["config"]))
        .await
        .map(drop)
}

#[tokio::test]
async fn all_invalid_settings_are_reported_at_once() -> Result<()> {
    let stderr = rejected("settings", |km| {
        km.env("KM_DEADLINE", "soon").env("KM_FALLBACK", "perhaps").args(["config"])
    })
    .await?;
    contains_all(&stderr, &["KM_DEADLINE", "KM_FALLBACK"])
}

#[tokio::test]
async fn unexpected_argument_and_team_settings_are_rejected() -> Result<()> {
    rejected("usage", |km| km.args(["config", "KM_DEADLINE"])).await?;
    rejected("usage", |km| km.args(["--team-settings", "{}", "config"])).await.map(drop)
}
