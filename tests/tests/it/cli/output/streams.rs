//! What is written to stdout and to stderr.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Server, secret};

use crate::cli::common::{NAME, fails, writer};
use crate::cli::listener::{Reply, Scripted};

#[tokio::test]
async fn value_is_printed_byte_for_byte() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for (name, value) in [
        ("plain", "sk-1234".to_owned()),
        ("unicode", "clé 🔑 \u{202e}\u{feff}\u{10ffff}".to_owned()),
        ("ending", "value\n".to_owned()),
        ("endings", "\r\nvalue\r\n\n".to_owned()),
        ("blank", "  \t value \t ".to_owned()),
        ("empty", String::new()),
        ("nul", "a\0b\0".to_owned()),
        ("escapes", "\\n \"quoted\" </script> \u{1b}[31m".to_owned()),
        ("large", "0123456789abcdef".repeat(4 * 1024)),
        ("largest", "é".repeat(384 * 1024)),
    ] {
        fixture.put(name, json!({ "key": value })).await?;
        let read = || fixture.km().args(["read", name]);
        let output = read().run().await?.expect(0)?;
        assert!(output.stdout == value.as_bytes(), "{name}: {} bytes", output.stdout.len());
        assert_eq!(output.stderr, "", "{name}");
        let output = read().args(["--json"]).run().await?.expect(0)?;
        let document: Value = serde_json::from_slice(&output.stdout)?;
        assert!(document["value"] == *value, "{name}: {} bytes", output.stdout.len());
        assert_eq!(output.stderr, "", "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn written_value_is_read_back_unchanged() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for value in ["clé 🔑 \u{2028}", "a\0b", "\u{1}\u{7f}\\\"", "a\r\nb"] {
        writer(&fixture).args(["write", NAME, "--raw"]).stdin(value).run().await?.expect(0)?;
        assert_eq!(fixture.get(NAME).await?.1["data"]["data"], json!({ "key": value }));
        let output = fixture.km().args(["read", NAME]).run().await?.expect(0)?;
        assert_eq!(output.text()?, value);
    }
    Ok(())
}

#[tokio::test]
async fn trace_log_contains_no_secret() -> Result<()> {
    // The harness fails a run whose stderr contains a planted secret.
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("list", json!({ "key": [secret("value")] })).await?;
    for (arguments, code) in [
        (&["write", NAME, "--description", "PLANTED-text"][..], 0),
        (&["read", NAME], 0),
        (&["read", NAME, "--explain"], 0),
        (&["read", NAME, "--bool"], 8),
        (&["read", "list"], 8),
        (&["list"], 0),
        (&["check"], 0),
        (&["write", NAME, "--cas", "7"], 7),
        (&["delete", NAME], 0),
        (&["read", NAME], 6),
    ] {
        for switch in [&["--log", "trace"][..], &["--log", "trace", "--json"]] {
            let value = secret("value");
            let km = writer(&fixture).args(switch).args(arguments).stdin(value.as_str());
            let output = km.run().await?;
            // The second deletion finds nothing.
            let again = arguments.first() == Some(&"delete") && switch.len() > 2;
            assert_eq!(output.code, if again { 6 } else { code }, "{}", output.stderr);
            assert!(output.stderr.contains("TRACE") || output.stderr.contains("DEBUG"));
            assert!(!output.stderr.contains(&fixture.secret_id));
        }
    }
    Ok(())
}

#[tokio::test]
async fn log_level_is_set_by_option_or_variable() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put(NAME, json!({ "key": "v" })).await?;
    let output = fixture.km().env("KM_LOG", "debug").args(["read", NAME]).run().await?.expect(0)?;
    assert!(output.stderr.contains("DEBUG"), "{}", output.stderr);
    let km = fixture.km().env("KM_LOG", "debug").args(["read", NAME, "--log", "off"]);
    assert_eq!(km.run().await?.expect(0)?.stderr, "", "the option does not override the variable");
    assert_eq!(output.text()?, "v");
    Ok(())
}

#[tokio::test]
async fn error_contains_neither_query_nor_body() -> Result<()> {
    let body = json!({ "errors": ["PLANTED-text"], "data": { "key": "PLANTED-value" } });
    for status in [400, 403, 404, 418, 429, 500, 503] {
        let body = body.clone();
        let server = Scripted::new(move |_| Reply::Json(status, body.clone()))?;
        for arguments in [&["list"][..], &["read", NAME], &["write", NAME], &["check"]] {
            let km = crate::cli::common::km_against(&server.address());
            let km = km.env("KM_ACCESS_MODE", "read_and_write").env("KM_DEADLINE", "1s");
            let output = km.args(arguments).stdin(secret("value")).run().await?;
            assert_ne!(output.code, 0, "{arguments:?} at {status}");
            assert_ne!(output.code, 1, "{arguments:?} at {status}: {}", output.stderr);
            let printed = format!("{}{}", output.stderr, output.text()?);
            for part in ["?", "list=true", "sealedcode", "PLANTED"] {
                assert!(!printed.contains(part), "{part} at {status}: {printed}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn json_output_is_one_line() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let path = format!("{}/data/{NAME}", fixture.mount);
    for (arguments, expected) in [
        (&["write", NAME][..], json!({ "path": path, "version": 1 })),
        (&["list"], json!({ "names": [NAME] })),
        (&["delete", NAME], json!({ "path": path })),
    ] {
        let km = writer(&fixture).args(arguments).args(["--json"]).stdin("value");
        let output = km.run().await?.expect(0)?;
        let text = output.text()?;
        assert_eq!((serde_json::from_str::<Value>(text)?, text.lines().count()), (expected, 1));
        assert_eq!(output.stderr, "");
    }
    Ok(())
}

#[tokio::test]
async fn json_error_is_not_mixed_with_log_lines() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (_directory, yaml) = crate::cli::common::file(
        "general_settings:\n  key_management_settings:\n    \
        unknown: 1\n    tags: [a]\n    store_virtual_keys: true\n",
    )?;
    let km = || fixture.km().env("KM_CONFIG", &yaml).env("HCP_VAULT_CLIENT_CERT", "half");
    let stderr = fails(|| km().args(["read", "absent"]), 6, "not_found").await?;
    assert!(stderr.contains("WARN"), "no warnings in the text form: {stderr}");
    Ok(())
}
