//! `km read`: names, sources, booleans and `--explain`.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Km, Server, secret};

use super::common::{NAME, contains_all, km_against, km_with_token};
use super::listener::{Scripted, Silent};

#[tokio::test]
async fn reference_reads_the_secret_of_its_name() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for name in
        [NAME, "folder/deep/name", "with space", "50%", "back\\slash", "%252e", "clé", "a..b"]
    {
        let value = secret("value");
        let km = fixture.km().env("KM_ACCESS_MODE", "read_and_write").args(["write", name]);
        km.stdin(value.as_str()).run().await?.expect(0)?;
        for reference in [name.to_owned(), format!("os.environ/{name}")] {
            let output = fixture.km().args(["read", &reference]).run().await?.expect(0)?;
            assert_eq!(output.text()?, value, "{reference}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn boolean_is_true_or_false_in_any_case() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for (stored, expected) in [
        ("true", "true"),
        ("TRUE", "true"),
        ("tRuE", "true"),
        (" false ", "false"),
        ("False\n", "false"),
        ("\t TRUE \r\n", "true"),
    ] {
        fixture.put("FLAG", json!({ "key": stored })).await?;
        let output = fixture.km().args(["read", "--bool", "FLAG"]).run().await?.expect(0)?;
        assert_eq!(output.text()?, expected, "{stored:?}");
        let output = fixture.km().args(["read", "FLAG"]).run().await?.expect(0)?;
        assert_eq!(output.text()?, stored, "the value was changed without `--bool`");
    }
    let km = Km::new().env("HCP_VAULT_TOKEN", "t").env("FLAG", " True ");
    let km = km.env("KM_ACCESS_MODE", "write_only").args(["read", "FLAG", "--bool"]);
    assert_eq!(km.run().await?.expect(0)?.text()?, "true", "the value of the environment");
    Ok(())
}

#[tokio::test]
async fn explain_option_reports_the_source_of_the_value() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let value = secret("value");
    fixture.put(NAME, json!({ "key": "old" })).await?;
    let stored = fixture.put(NAME, json!({ "key": value })).await?;
    let created = stored["created_time"].as_str().unwrap_or_default();
    let path = format!("/v1/{}/data/{NAME}", fixture.mount);

    let output = fixture.km().args(["read", NAME, "--explain"]).run().await?.expect(0)?;
    assert_eq!(output.text()?, value);
    let lines: Vec<_> = output.stderr.lines().collect();
    let path_line = format!("path: {path}");
    let created_line = format!("created: {created}");
    let expected =
        ["source: vault", &path_line, "field: key", "version: 2", &created_line, "age: 0 s"];
    assert_eq!(lines, expected);

    let output = fixture.km().args(["read", NAME, "--explain", "--json"]).run().await?.expect(0)?;
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout)?["value"], json!(value));
    let expected = json!({
        "source": "vault", "path": path, "field": "key", "version": 2, "created": created,
        "age_seconds": 0,
    });
    assert_eq!(serde_json::from_str::<Value>(&output.stderr)?, expected);

    let km = fixture.km().env("ABSENT", &value).args(["read", "ABSENT", "--explain"]);
    let output = km.run().await?.expect(0)?;
    assert_eq!(output.text()?, value);
    contains_all(&output.stderr, &["source: environment"])?;
    assert!(!output.stderr.contains("version:"), "{}", output.stderr);
    Ok(())
}

#[tokio::test]
async fn names_that_vault_does_not_host_are_read_from_the_environment() -> Result<()> {
    let silent = Silent::new()?;
    for (variable, value) in [
        ("KM_ACCESS_MODE", "write_only"),
        ("KM_HOSTED_KEYS", "ANTHROPIC_API_KEY,OTHER"),
        ("KM_HOSTED_KEYS", ""),
    ] {
        let km = || km_against(&silent.address()).env(variable, value).args(["read", NAME]);
        let secret = secret("value");
        let output = km().env(NAME, &secret).run().await?.expect(0)?;
        assert_eq!(output.text()?, secret);
        let stderr = super::common::fails(km, 6, "not_found").await?;
        contains_all(
            &stderr,
            &["the environment has no such variable", "access_mode", "hosted_keys"],
        )?;
        let never = || km().env("KM_FALLBACK", "never").env(NAME, &secret);
        let stderr = super::common::fails(never, 6, "not_found").await?;
        contains_all(&stderr, &["the fallback to the environment is not allowed", "KM_FALLBACK"])?;
    }
    assert_eq!(silent.connections()?, 0, "a request was sent");
    Ok(())
}

#[tokio::test]
async fn hosted_names_are_read_from_vault() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let value = secret("value");
    fixture.put(NAME, json!({ "key": value })).await?;
    for hosted in [NAME.to_owned(), format!("OTHER, {NAME}"), format!("os.environ/{NAME}")] {
        let km = fixture.km().env("KM_HOSTED_KEYS", &hosted).env(NAME, "of the environment");
        let output = km.args(["read", NAME]).run().await?.expect(0)?;
        assert_eq!(output.text()?, value, "{hosted}");
    }
    Ok(())
}

#[tokio::test]
async fn token_with_one_use_suffices_for_one_command() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    let value = secret("value");
    fixture.put(NAME, json!({ "key": value })).await?;
    let once = async || fixture.token(json!({ "num_uses": 1 })).await;
    let km = async || anyhow::Ok(km_with_token(server.address(), &fixture.mount, &once().await?));
    let output = km().await?.args(["read", NAME]).run().await?.expect(0)?;
    assert_eq!(output.text()?, value);
    let output = km().await?.args(["read", NAME, "--explain"]).run().await?.expect(0)?;
    assert_eq!(output.text()?, value);
    km().await?.args(["list"]).run().await?.expect(0)?;
    // A miss is reported as such, although the token allows no further request.
    km().await?.args(["read", "absent"]).run().await?.expect(6)?;
    let output = km().await?.env("ABSENT", "v").args(["read", "ABSENT"]).run().await?.expect(0)?;
    assert_eq!(output.text()?, "v");
    Ok(())
}

#[tokio::test]
async fn read_of_a_value_is_one_request() -> Result<()> {
    let metadata = json!({
        "version": 1, "created_time": "2026-01-01T00:00:00Z", "deletion_time": "",
        "destroyed": false, "custom_metadata": null,
    });
    let body = json!({ "data": { "data": { "key": "v" }, "metadata": metadata } });
    let server = Scripted::new(move |_| super::listener::Reply::Json(200, body.clone()))?;
    let output = km_against(&server.address()).args(["read", NAME]).run().await?.expect(0)?;
    assert_eq!(output.text()?, "v");
    assert_eq!(server.requests(), [format!("GET /v1/secret/data/{NAME}")]);
    Ok(())
}

#[tokio::test]
async fn virtual_key_is_not_read_as_a_provider_secret() -> Result<()> {
    let silent = Silent::new()?;
    for (settings, name) in [
        (&[][..], "litellm/alias"),
        (&[], "os.environ/litellm/a/b"),
        (&[("HCP_VAULT_PATH_PREFIX", "gateway")], "litellm/alias"),
        (&[("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", "a/b")], "a/b/alias"),
        (&[("KM_ACCESS_MODE", "write_only")], "litellm/alias"),
        (&[("KM_HOSTED_KEYS", "litellm/alias")], "litellm/alias"),
        // A team's key. Without KM_ALLOWED_TEAM_LOCATIONS a team may have any path prefix.
        (&[], "team-b/litellm/alias"),
        (&[("KM_ALLOWED_TEAM_LOCATIONS", "/secret:team-*")], "team-b/litellm/alias"),
    ] {
        for flags in [&[][..], &["--explain"]] {
            let km = || {
                let km =
                    settings.iter().fold(km_against(&silent.address()), |km, (n, v)| km.env(n, v));
                km.args(["read", name]).args(flags)
            };
            let stderr = super::common::fails(km, 5, "denied").await?;
            contains_all(&stderr, &["virtual keys are not provider secrets"])?;
        }
    }
    assert_eq!(silent.connections()?, 0);
    let fixture = Server::shared().await?.fixture().await?;
    let value = secret("value");
    for (allowed, name) in
        [("", "litellm"), ("", "litellms/a"), ("", "team/litellm/a"), ("/x:team-*", "b/litellm/a")]
    {
        fixture.put(name, json!({ "key": value })).await?;
        let km = fixture.km().env("KM_ALLOWED_TEAM_LOCATIONS", allowed).args(["read", name]);
        assert_eq!(km.run().await?.expect(0)?.text()?, value, "{allowed:?} {name}");
    }
    Ok(())
}
