//! `km check --secrets`: where each referenced name is found, and what a provider may reject.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Fixture, FixtureSpec, Km, Server, secret};

use crate::cli::common::{contains_all, error_document, fails, file, km_against};
use crate::cli::listener::{Silent, closed_port};

/// Returns a configuration that references these names.
fn config(names: &[&str]) -> Result<(TempDir, PathBuf)> {
    let items: Vec<_> = names.iter().map(|name| format!("  - os.environ/{name}\n")).collect();
    file(format!("models:\n{}", items.concat()))
}

/// Runs the check as text and as JSON. Returns the text and the rows of the document.
async fn check(km: impl Fn() -> Km, code: i32) -> Result<(String, Vec<Value>)> {
    let text = km().args(["check", "--secrets"]).run().await?.expect(code)?.text()?.to_owned();
    let output = km().args(["check", "--secrets", "--json"]).run().await?.expect(code)?;
    let document: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(document["ok"], code == 0, "{document}");
    let rows = document["secrets"].as_array().context("no secrets")?;
    for row in rows {
        let name = row["name"].as_str().context("no name")?;
        let line = line(&text, name)?;
        assert!(line.starts_with(row["status"].as_str().context("no status")?), "{line}");
        assert_eq!(line, line.trim_end());
    }
    assert!(!format!("{text}{document}").contains("PLANTED"), "{text}{document}");
    Ok((text, rows.clone()))
}

/// Returns the only line of the table for a name.
fn line<'t>(text: &'t str, name: &str) -> Result<&'t str> {
    let is_of_name = |line: &&str| line.split_whitespace().nth(1) == Some(name);
    let mut lines = text.lines().filter(is_of_name);
    let line = lines.next().with_context(|| format!("no {name}: {text}"))?;
    assert_eq!(lines.next(), None, "{name} twice: {text}");
    Ok(line)
}

async fn fixture() -> Result<Fixture> {
    Server::shared().await?.fixture().await
}

#[tokio::test]
async fn every_referenced_name_is_one_row_with_its_source_version_age_and_length() -> Result<()> {
    let fixture = fixture().await?;
    let value = secret("value");
    fixture.put("IN_VAULT", json!({ "key": secret("older") })).await?;
    fixture.put("IN_VAULT", json!({ "key": value })).await?;
    let names = ["IN_VAULT", "IN_ENVIRONMENT", "IN_VAULT", "oidc/google/audience", "ABSENT"];
    let (_directory, config) = config(&names)?;
    let km = || fixture.km().env("KM_CONFIG", &config).env("IN_ENVIRONMENT", secret("variable"));
    let (text, rows) = check(km, 6).await?;
    let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap_or_default()).collect();
    assert_eq!(names, ["IN_VAULT", "IN_ENVIRONMENT", "ABSENT"]);
    let path = format!("{}/data/IN_VAULT", fixture.mount);
    assert_eq!((&rows[0]["status"], &rows[0]["source"]), (&json!("ok"), &json!("vault")));
    assert_eq!((&rows[0]["path"], &rows[0]["version"]), (&json!(path), &json!(2)));
    assert_eq!(rows[0]["length"], value.len());
    assert!(rows[0]["version_age_seconds"].as_u64().is_some_and(|age| age < 300), "{}", rows[0]);
    assert_eq!(rows[1]["source"], "environment");
    for field in ["path", "version", "version_age_seconds"] {
        assert_eq!(rows[1][field], Value::Null, "{field}");
    }
    assert_eq!(rows[2]["error"]["kind"], "not_found");
    contains_all(line(&text, "IN_VAULT")?, &[&path])?;
    contains_all(line(&text, "IN_ENVIRONMENT")?, &["environment"])?;
    contains_all(line(&text, "ABSENT")?, &["not found"])
}

#[tokio::test]
async fn hosted_name_is_checked_without_a_reference() -> Result<()> {
    let fixture = fixture().await?;
    fixture.put("HOSTED", json!({ "key": secret("value") })).await?;
    let (_, rows) = check(|| fixture.km().env("KM_HOSTED_KEYS", "HOSTED"), 0).await?;
    assert_eq!((rows.len(), &rows[0]["name"]), (1, &json!("HOSTED")));
    Ok(())
}

#[tokio::test]
async fn suspicious_value_is_a_warning_and_exit_0() -> Result<()> {
    let fixture = fixture().await?;
    let plain = secret("plain");
    for (value, kind, words) in [
        (format!("{plain}\n"), "trailing_newline", "newline"),
        (format!(" {plain}"), "surrounding_space", "white space"),
        (format!("'{plain}'"), "quotes", "quotes"),
        (format!("\u{feff}{plain}"), "byte_order_mark", "BOM"),
        (format!("{plain}é"), "non_ascii", "non-ASCII"),
        (String::new(), "empty", "empty"),
        (format!("os.environ/{plain}"), "reference", "os.environ/"),
    ] {
        fixture.put("API_KEY", json!({ "key": value })).await?;
        let (text, rows) = check(|| fixture.km().env("KM_HOSTED_KEYS", "API_KEY"), 0).await?;
        assert_eq!(rows[0]["status"], "warning");
        assert_eq!(rows[0]["warnings"][0]["kind"], kind, "{}", rows[0]);
        assert_eq!(rows[0]["length"], value.len(), "{kind}");
        contains_all(line(&text, "API_KEY")?, &[words])?;
    }
    Ok(())
}

#[tokio::test]
async fn same_value_under_other_names_is_a_warning_on_each_of_them() -> Result<()> {
    let fixture = fixture().await?;
    let same = secret("same");
    for name in ["A", "B"] {
        fixture.put(name, json!({ "key": same })).await?;
    }
    // A value that begins with another one is a different value, and an empty one is no value.
    fixture.put("LONGER", json!({ "key": format!("{same}-longer") })).await?;
    for name in ["EMPTY_1", "EMPTY_2"] {
        fixture.put(name, json!({ "key": "" })).await?;
    }
    let (_directory, config) = config(&["A", "C", "B", "LONGER", "EMPTY_1", "EMPTY_2"])?;
    let (_, rows) = check(|| fixture.km().env("KM_CONFIG", &config).env("C", &same), 0).await?;
    let others = |row: &Value| {
        let warnings = row["warnings"].as_array().into_iter().flatten();
        let same = warnings.filter(|warning| warning["kind"] == "same_value");
        same.map(|warning| warning["message"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(others(&rows[0]), ["is also the value of C, B"]);
    assert_eq!(others(&rows[1]), ["is also the value of A, B"]);
    assert_eq!(others(&rows[2]), ["is also the value of A, C"]);
    for row in &rows[3..] {
        assert_eq!(others(row), [""; 0], "{row}");
    }
    Ok(())
}

#[tokio::test]
async fn deletion_within_a_week_is_a_warning() -> Result<()> {
    let fixture = fixture().await?;
    for (name, after) in [("SOON", "1h"), ("LATER", "720h")] {
        let path = format!("{}/metadata/{name}", fixture.mount);
        let metadata = json!({ "delete_version_after": after });
        fixture.server().must("POST", &path, metadata).await?;
        fixture.put(name, json!({ "key": secret(name) })).await?;
    }
    let (text, rows) = check(|| fixture.km().env("KM_HOSTED_KEYS", "SOON,LATER"), 0).await?;
    let of = |name: &str| rows.iter().find(|row| row["name"] == name).context("no row");
    assert_eq!(of("SOON")?["warnings"][0]["kind"], "deletion_near");
    assert_eq!(of("LATER")?["warnings"], json!([]));
    contains_all(line(&text, "SOON")?, &["the value is deleted at 2"])
}

#[tokio::test]
async fn exit_code_is_that_of_the_first_name_that_fails() -> Result<()> {
    let policy = |mount: &str| {
        format!(
            r#"path "{mount}/data/*" {{ capabilities = ["read"] }}
            path "{mount}/data/DENIED" {{ capabilities = ["deny"] }}"#
        )
    };
    let spec = FixtureSpec { policy: Some(policy), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    fixture.put("NUMBER", json!({ "key": 5 })).await?;
    for (names, code, kind) in [
        (["DENIED", "ABSENT", "NUMBER"], 5, "denied"),
        (["ABSENT", "DENIED", "NUMBER"], 6, "not_found"),
        (["NUMBER", "ABSENT", "DENIED"], 8, "stored_value"),
    ] {
        let (_directory, config) = config(&names)?;
        let km = || fixture.km().env("KM_CONFIG", &config);
        let (text, rows) = check(km, code).await?;
        assert_eq!(rows[0]["error"]["kind"], kind);
        assert!(rows.iter().all(|row| row["status"] == "failed"), "{rows:?}");
        let output = km().args(["check", "--secrets"]).run().await?.expect(code)?;
        let first = format!("km: check: failed: {} and 2 more\n", names[0]);
        contains_all(&output.stderr, &[&first])?;
        for name in names {
            // A failure is described in one place.
            assert_eq!(text.matches(&format!("read {name}: ")).count(), 1, "{text}");
        }
        let output = km().args(["check", "--secrets", "--json"]).run().await?.expect(code)?;
        error_document(&output.stderr, kind)?;
    }
    Ok(())
}

#[tokio::test]
async fn deleted_secret_is_not_found_without_the_environment() -> Result<()> {
    let fixture = fixture().await?;
    fixture.put("GONE", json!({ "key": secret("value") })).await?;
    fixture.server().must("DELETE", &format!("{}/data/GONE", fixture.mount), None).await?;
    let km = || fixture.km().env("KM_HOSTED_KEYS", "GONE").env("GONE", secret("variable"));
    let (text, rows) = check(km, 6).await?;
    assert_eq!(rows[0]["error"]["kind"], "not_found");
    contains_all(line(&text, "GONE")?, &["deleted"])
}

#[tokio::test]
async fn setting_that_is_referenced_is_skipped_with_its_reason() -> Result<()> {
    let fixture = fixture().await?;
    let (_directory, config) = config(&["HCP_VAULT_APPROLE_SECRET_ID", "KM_UNKNOWN"])?;
    let (text, rows) = check(|| fixture.km().env("KM_CONFIG", &config), 0).await?;
    for row in &rows {
        assert_eq!(row["status"], "skipped", "{row}");
    }
    contains_all(line(&text, "HCP_VAULT_APPROLE_SECRET_ID")?, &["a setting or a credential"])
}

#[tokio::test]
async fn configuration_without_references_is_reported() -> Result<()> {
    let fixture = fixture().await?;
    let (text, rows) = check(|| fixture.km(), 0).await?;
    assert_eq!(rows, Vec::<Value>::new());
    contains_all(&text, &["the configuration references no names"])
}

#[tokio::test]
async fn thousand_names_are_read_concurrently() -> Result<()> {
    let fixture = fixture().await?;
    let names: Vec<_> = (0..1_000).map(|number| format!("NAME_{number}")).collect();
    let (_directory, config) = config(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
    fixture.put("NAME_999", json!({ "key": secret("last") })).await?;
    let (text, rows) = check(|| fixture.km().env("KM_CONFIG", &config), 6).await?;
    assert_eq!((rows.len(), &rows[999]["status"]), (1_000, &json!("ok")));
    // A name that waits its turn does not time out.
    assert!(rows[..999].iter().all(|row| row["error"]["kind"] == "not_found"), "{text}");
    Ok(())
}

/// The step of the secrets must be skipped because of the step `failed`.
async fn skipped(km: impl Fn() -> Km, code: i32, failed: &str) -> Result<()> {
    let km = || km().env("KM_HOSTED_KEYS", "NAME");
    let output = km().args(["check", "--secrets"]).run().await?.expect(code)?;
    let line = output.text()?.lines().last().context("nothing is printed")?;
    contains_all(line, &["skipped  secrets", &format!("the step `{failed}` failed")])?;
    let output = km().args(["check", "--secrets", "--json"]).run().await?.expect(code)?;
    let document: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(document["secrets"], Value::Null, "{document}");
    Ok(())
}

#[tokio::test]
async fn secrets_are_skipped_if_no_secret_can_be_read() -> Result<()> {
    let fixture = fixture().await?;
    let closed = closed_port()?;
    skipped(|| km_against(&closed), 4, "server").await?;
    let id = "HCP_VAULT_APPROLE_SECRET_ID";
    skipped(|| fixture.km().env_remove(id).env(id, "wrong"), 3, "login").await?;
    let silent = Silent::new()?;
    let address = silent.address();
    skipped(|| km_against(&address).env("KM_FALLBACK", "perhaps"), 2, "settings").await?;
    assert_eq!(silent.connections()?, 0);
    fixture.server().must("DELETE", &format!("sys/mounts/{}", fixture.mount), None).await?;
    skipped(|| fixture.km(), 6, "mount").await
}

#[tokio::test]
async fn name_with_terminal_escapes_is_printed_escaped() -> Result<()> {
    let fixture = fixture().await?;
    let (_directory, config) = file("key: \"os.environ/A\\e[31mB\"\n")?;
    let km = fixture.km().env("KM_CONFIG", &config).args(["check", "--secrets"]);
    let output = km.run().await?;
    assert!(!output.text()?.contains('\u{1b}'), "{:?}", output.text()?);
    assert_ne!(output.code, 0);
    Ok(())
}

#[tokio::test]
async fn secrets_and_policy_exclude_each_other() -> Result<()> {
    let km = || Km::new().args(["check", "--secrets", "--policy"]);
    fails(km, 2, "usage").await.map(drop)
}
