//! `km write`: what is read from stdin, and what is stored in Vault.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Fixture, Server, secret};

use crate::cli::common::{NAME, contains_all, fails, rejected, writer};

/// The size limit of a value, in bytes.
const LARGEST: usize = 768 * 1024;

async fn stored(fixture: &Fixture) -> Result<Value> {
    let (_, mut response) = fixture.get(NAME).await?;
    Ok(response.pointer_mut("/data/data").map(Value::take).unwrap_or_default())
}

#[tokio::test]
async fn one_line_ending_is_dropped_unless_raw() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for (input, options, expected) in [
        ("value", &[][..], "value"),
        ("value\n", &[], "value"),
        ("value\r\n", &[], "value"),
        ("value\n\n", &[], "value\n"),
        ("value\r\n\r\n", &[], "value\r\n"),
        (" value \n", &[], " value "),
        ("line\nline\n", &[], "line\nline"),
        ("value\n", &["--raw"], "value\n"),
        ("value\r\n", &["--raw"], "value\r\n"),
        ("\n", &["--raw"], "\n"),
        ("", &["--allow-empty"], ""),
        ("\n", &["--allow-empty"], ""),
        ("", &["--raw", "--allow-empty"], ""),
    ] {
        let km = writer(&fixture).args(["write", NAME]).args(options).stdin(input);
        km.run().await?.expect(0)?;
        assert_eq!(stored(&fixture).await?, json!({ "key": expected }), "{input:?} {options:?}");
    }
    Ok(())
}

#[tokio::test]
async fn invalid_value_is_rejected_before_any_request() -> Result<()> {
    let large = "a".repeat(LARGEST + 1);
    for (input, options, why) in [
        (&b""[..], &[][..], "empty"),
        (b"\n", &[], "empty"),
        (b"\r\n", &[], "empty"),
        (b"", &["--raw"], "empty"),
        (b"\xff\xfe", &[], "not UTF-8"),
        (b"PLANTED-\xff", &["--raw"], "not UTF-8"),
        (large.as_bytes(), &[], "768 KiB"),
        (large.as_bytes(), &["--raw"], "768 KiB"),
    ] {
        let stderr = rejected("usage", |km| {
            let km = km.env("KM_ACCESS_MODE", "read_and_write");
            km.args(["write", NAME]).args(options).stdin(input)
        })
        .await?;
        contains_all(&stderr, &["value", why])?;
    }
    Ok(())
}

#[tokio::test]
async fn value_of_the_maximum_size_is_stored() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let value = "a".repeat(LARGEST);
    for input in [value.clone(), format!("{value}\n"), format!("{value}\r\n")] {
        writer(&fixture).args(["write", NAME]).stdin(input).run().await?.expect(0)?;
        assert_eq!(stored(&fixture).await?["key"].as_str().map(str::len), Some(LARGEST));
    }
    Ok(())
}

#[tokio::test]
async fn write_prints_path_and_version() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for version in 1..=2 {
        let km = writer(&fixture).args(["write", NAME]).stdin(secret("value"));
        let output = km.run().await?.expect(0)?;
        let expected = format!("stored {}/data/{NAME} version {version}\n", fixture.mount);
        assert_eq!((output.text()?, output.stderr.as_str()), (expected.as_str(), ""));
    }
    Ok(())
}

#[tokio::test]
async fn description_is_stored_beside_the_value() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for (setting, option, expected) in [
        (None, None, None),
        (Some("of the gateway"), None, Some("of the gateway")),
        (None, Some("of this key"), Some("of this key")),
        (Some("of the gateway"), Some("clé 🔑"), Some("clé 🔑")),
        (Some(""), None, None),
    ] {
        let value = secret("value");
        let km = writer(&fixture).args(["write", NAME, "--replace"]).stdin(value.as_str());
        let km = setting.into_iter().fold(km, |km, text| km.env("KM_DESCRIPTION", text));
        let km = option.into_iter().fold(km, |km, text| km.args(["--description", text]));
        km.run().await?.expect(0)?;
        let fields = match expected {
            Some(text) => json!({ "key": value, "description": text }),
            None => json!({ "key": value }),
        };
        assert_eq!(stored(&fixture).await?, fields);
    }
    Ok(())
}

#[tokio::test]
async fn value_as_an_argument_is_rejected_and_not_printed() -> Result<()> {
    for options in [&[][..], &["--json"]] {
        for value in [
            "PLANTED-argument",
            "-PLANTED-argument",
            "--PLANTED-argument",
            "--value=PLANTED-argument",
            "--raw=PLANTED-argument",
            "--allow-empty=PLANTED-argument",
            "--cas=PLANTED-argument",
            "-----BEGIN PRIVATE KEY-----\nPLANTED-key\n-----END PRIVATE KEY-----",
        ] {
            let silent = crate::cli::listener::Silent::new()?;
            let km = crate::cli::common::km_against(&silent.address()).args(["write", NAME, value]);
            let km = km.env("KM_ACCESS_MODE", "read_and_write").args(options).stdin("x");
            // The harness fails a run that prints the value.
            let output = km.run().await?.expect(2)?;
            assert!(output.stdout.is_empty());
            assert_eq!(silent.connections()?, 0);
        }
    }
    let stderr = rejected("usage", |km| km.args(["write", NAME, "PLANTED-argument"])).await?;
    contains_all(&stderr, &["stdin"])
}

#[tokio::test]
async fn write_with_replace_needs_no_read_capability() -> Result<()> {
    let policy = |mount: &str| {
        format!(r#"path "{mount}/data/*" {{ capabilities = ["create", "update", "delete"] }}"#)
    };
    let spec = testkit::FixtureSpec { policy: Some(policy), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let value = secret("value");
    let km = || fixture.km().env("KM_ACCESS_MODE", "write_only");
    km().args(["write", NAME, "--replace"]).stdin(value.as_str()).run().await?.expect(0)?;
    assert_eq!(stored(&fixture).await?, json!({ "key": value }));
    km().args(["delete", NAME]).run().await?.expect(0)?;
    assert_eq!(fixture.get(NAME).await?.0, 404);
    fails(|| km().args(["list"]), 5, "denied").await?;
    Ok(())
}
