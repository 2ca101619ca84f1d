//! Other kinds of stdin and stdout than pipes: a terminal, and a full disk.

use anyhow::Result;
use serde_json::json;
use testkit::{Server, secret};

use crate::cli::common::NAME;
use crate::cli::program::{on_terminal, with_stdout_file};

#[tokio::test]
async fn value_on_a_terminal_ends_with_a_line_feed() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (token, value) = (fixture.token(json!({})).await?, secret("value"));
    fixture.put(NAME, json!({ "key": value })).await?;
    fixture.put("FLAG", json!({ "key": "TRUE" })).await?;
    let environment = [
        ("HCP_VAULT_ADDR", fixture.server().address()),
        ("HCP_VAULT_MOUNT_NAME", &fixture.mount),
        ("HCP_VAULT_TOKEN", &token),
    ];
    for (arguments, expected) in
        [(format!("read {NAME}"), value.as_str()), ("read --bool FLAG".to_owned(), "true")]
    {
        let (code, shown) = on_terminal(&arguments, &environment).await?;
        assert_eq!(code, 0, "{shown}");
        // The terminal translates a line feed into a carriage return and a line feed.
        assert!(shown.contains(&format!("{expected}\r\n")), "{shown:?}");
        assert_eq!(shown.matches('\n').count(), 1, "{shown:?}");
    }
    Ok(())
}

#[tokio::test]
async fn output_to_a_full_disk_is_a_failure() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put(NAME, json!({ "key": secret("value") })).await?;
    let token = fixture.token(json!({})).await?;
    let environment = [
        ("HCP_VAULT_ADDR", fixture.server().address()),
        ("HCP_VAULT_MOUNT_NAME", &fixture.mount),
        ("HCP_VAULT_TOKEN", &token),
    ];
    for arguments in [&["read", NAME][..], &["list"], &["check"]] {
        let full = std::fs::File::options().write(true).open("/dev/full")?;
        let (code, stderr) = with_stdout_file(full, arguments, &environment).await?;
        assert!(code > 1, "{arguments:?}: exit {code}: {stderr}");
        assert!(stderr.contains("km: ") && !stderr.contains("PLANTED"), "{stderr}");
    }
    Ok(())
}
