//! `km read --json`, `--version` and `--field`.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use testkit::{Fixture, Km, Server, secret};

use super::common::{NAME, contains_all, fails, fails_as_json, km_against, rejected, writer};
use super::listener::Silent;

async fn fixture() -> Result<Fixture> {
    Server::shared().await?.fixture().await
}

async fn document(km: Km) -> Result<Value> {
    let output = km.args(["--json"]).run().await?.expect(0)?;
    let text = output.text()?.strip_suffix('\n').context("no line ending")?;
    Ok(serde_json::from_str(text)?)
}

/// Stores a live, a deleted, a destroyed and another live version. Returns the values of the live
/// ones.
async fn four_versions(fixture: &Fixture) -> Result<[String; 2]> {
    let values = [secret("first"), secret("latest")];
    for value in [&values[0], "deleted", "destroyed", &values[1]] {
        fixture.put(NAME, json!({ "key": value, "user": "root" })).await?;
    }
    for (endpoint, version) in [("delete", 2), ("destroy", 3)] {
        let path = format!("{}/{endpoint}/{NAME}", fixture.mount);
        fixture.server().must("POST", &path, json!({ "versions": [version] })).await?;
    }
    Ok(values)
}

#[tokio::test]
async fn json_document_has_the_value_and_its_source() -> Result<()> {
    let fixture = fixture().await?;
    for value in [secret("value"), "clé \u{1b}[31m \u{202e}\"\n".to_owned(), String::new()] {
        let stored = fixture.put(NAME, json!({ "key": value })).await?;
        for name in [NAME.to_owned(), format!("os.environ/{NAME}")] {
            let output = fixture.km().args(["read", &name, "--json"]).run().await?.expect(0)?;
            let text = output.text()?;
            assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
            let expected = json!({
                "name": NAME, "value": value, "version": stored["version"], "source": "vault",
                "age_seconds": 0,
            });
            assert_eq!(serde_json::from_str::<Value>(text)?, expected);
            assert_eq!((text.lines().count(), output.stderr.as_str()), (1, ""));
        }
    }
    let value = secret("value");
    let km = fixture.km().env("ABSENT", &value).args(["read", "ABSENT"]);
    let expected = json!({
        "name": "ABSENT", "value": value, "version": null, "source": "environment",
        "age_seconds": null,
    });
    assert_eq!(document(km).await?, expected);
    Ok(())
}

#[tokio::test]
async fn json_document_of_a_boolean_has_a_boolean() -> Result<()> {
    let fixture = fixture().await?;
    fixture.put("FLAG", json!({ "key": " True ", "no": "false", "text": "x" })).await?;
    let km = |field: &str| fixture.km().args(["read", "FLAG", "--bool", "--field", field]);
    for (field, expected) in [("key", true), ("no", false)] {
        assert_eq!(document(km(field)).await?["value"], expected);
        assert_eq!(km(field).run().await?.expect(0)?.text()?, expected.to_string());
    }
    fails(|| km("text"), 8, "stored_value").await.map(drop)
}

#[tokio::test]
async fn given_version_is_read_from_vault() -> Result<()> {
    let fixture = fixture().await?;
    let values = four_versions(&fixture).await?;
    for (version, value) in [("1", &values[0]), ("4", &values[1])] {
        // The environment is not asked for a version.
        let km = || fixture.km().env(NAME, "x").args(["read", NAME, "--version", version]);
        assert_eq!(km().run().await?.expect(0)?.text()?, value);
        let expected = json!({
            "name": NAME, "value": value, "version": version.parse::<u64>()?, "source": "vault",
            "age_seconds": 0,
        });
        assert_eq!(document(km()).await?, expected);
        let output = km().args(["--explain", "--field", "user"]).run().await?.expect(0)?;
        assert_eq!(output.text()?, "root");
        let version = format!("version: {version}\n");
        contains_all(&output.stderr, &["source: vault\n", "field: user\n", &version])?;
    }
    Ok(())
}

#[tokio::test]
async fn version_without_data_is_exit_6_and_never_read_from_the_environment() -> Result<()> {
    let fixture = fixture().await?;
    four_versions(&fixture).await?;
    for (name, version, why, hint) in [
        (NAME, "2", "version 2 is deleted since", "undelete"),
        (NAME, "3", "version 3 is destroyed", "write a new version"),
        (NAME, "5", "not found", "km history"),
        (NAME, "9223372036854775807", "not found", "km history"),
        ("ABSENT", "1", "not found", "km history"),
    ] {
        let km = || {
            let km = fixture.km().env("KM_FALLBACK", "on_error").env(name, "x");
            km.args(["read", name, "--version", version])
        };
        let stderr = fails(km, 6, "not_found").await?;
        contains_all(&stderr, &[&format!("km: read {name} version {version}: "), why, hint])?;
    }
    Ok(())
}

#[tokio::test]
async fn given_field_is_read_from_vault() -> Result<()> {
    let fixture = fixture().await?;
    let (value, other) = (secret("value"), secret("other"));
    fixture.put(NAME, json!({ "key": value, "token": other, "port": 8200 })).await?;
    for (field, expected) in [("key", &value), ("token", &other)] {
        let km = || fixture.km().args(["read", NAME, "--field", field]);
        assert_eq!(km().run().await?.expect(0)?.text()?, expected);
        let found = document(km()).await?;
        assert_eq!((&found["value"], &found["version"]), (&json!(expected), &json!(1)));
    }
    for (name, field, code, kind, why) in [
        (NAME, "password", 8, "stored_value", "no field `password`"),
        (NAME, "Token", 8, "stored_value", "no field `Token`"),
        (NAME, "", 8, "stored_value", "no field ``"),
        (NAME, "port", 8, "stored_value", "the field `port` is not a string"),
        ("ABSENT", "token", 6, "not_found", "not found"),
    ] {
        // A value of the environment has no fields.
        let km = || fixture.km().env(name, "x").args(["read", name, "--field", field]);
        let stderr = fails(km, code, kind).await?;
        contains_all(&stderr, &[&format!("km: read {name}: "), why])?;
    }
    // The default field may come from the environment, also by its name.
    let km = fixture.km().env("ABSENT", "x").args(["read", "ABSENT", "--field", "key"]);
    assert_eq!(km.run().await?.expect(0)?.text()?, "x");
    Ok(())
}

#[tokio::test]
async fn excluded_name_has_no_versions_and_fields() -> Result<()> {
    let silent = Silent::new()?;
    for (variable, value, name, why) in [
        ("KM_ACCESS_MODE", "write_only", NAME, "write_only"),
        ("KM_HOSTED_KEYS", "OTHER", NAME, "not in hosted_keys"),
        ("KM_HOSTED_KEYS", "", NAME, "not in hosted_keys"),
        ("KM_FALLBACK", "never", "litellm/alias", "virtual keys are not provider secrets"),
    ] {
        for options in [["--version", "1"], ["--field", "user"]] {
            let km = || {
                let km = km_against(&silent.address()).env(variable, value).env(name, "x");
                km.args(["read", name]).args(options)
            };
            contains_all(&fails(km, 5, "denied").await?, &[why])?;
        }
    }
    assert_eq!(silent.connections()?, 0, "a request was sent");
    Ok(())
}

#[tokio::test]
async fn invalid_version_is_a_usage_error() -> Result<()> {
    for version in ["0", "-1", "x", "", "1.0", "9223372036854775808"] {
        for command in [
            &["read", NAME][..],
            &["undelete", NAME],
            &["destroy", NAME],
            &["key", "read", "a"],
            &["key", "undelete", "a"],
            &["key", "destroy", "a"],
        ] {
            let option = format!("--version={version}");
            let stderr = rejected("usage", |km| km.args(command).args([&option])).await?;
            contains_all(&stderr, &["--version"])?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn failed_read_with_json_is_one_json_error() -> Result<()> {
    let fixture = fixture().await?;
    fixture.put(NAME, json!({ "key": 1 })).await?;
    let km = |name: &str| fixture.km().args(["read", name, "--json"]);
    fails_as_json(km(NAME), 8, "stored_value").await?;
    fails_as_json(km("ABSENT"), 6, "not_found").await?;
    // The value does not reach an error.
    fixture.put(NAME, json!({ "key": secret("value") })).await?;
    fails_as_json(km(NAME).args(["--bool"]), 8, "stored_value").await.map(drop)
}

#[tokio::test]
async fn value_written_by_km_is_read_in_each_version() -> Result<()> {
    let fixture = fixture().await?;
    let values: Vec<_> = (0..3).map(|_| secret("value")).collect();
    for value in &values {
        writer(&fixture).args(["write", NAME]).stdin(value.as_str()).run().await?.expect(0)?;
    }
    for (version, value) in (1_u64..).zip(&values) {
        let found = document(fixture.km().args(["read", NAME, "--version", &version.to_string()]));
        assert_eq!(found.await?["value"], json!(value));
    }
    Ok(())
}
