//! `km status` on a terminal: colors.

use anyhow::Result;
use serde_json::json;
use testkit::{Server, secret};

use crate::cli::program::on_terminal;
use crate::serve::sidecar::Sidecar;

#[tokio::test]
async fn table_is_colored_on_a_terminal_unless_no_color_is_set() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": secret("value") })).await?;
    let directory = tempfile::tempdir()?;
    let sidecar =
        Sidecar::run(fixture.km().env("XDG_RUNTIME_DIR", directory.path()).args(["serve"])).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    let xterm = ("TERM", "xterm");
    for (environment, colored) in [
        (&[xterm][..], true),
        (&[xterm, ("NO_COLOR", "")], true),
        (&[xterm, ("NO_COLOR", "1")], false),
        (&[("TERM", "dumb")], false),
    ] {
        let (code, shown) =
            on_terminal(&format!("status --server {}", sidecar.address), environment).await?;
        assert_eq!(code, 0, "{shown}");
        assert_eq!(shown.contains("\u{1b}[32mfresh"), colored, "{environment:?}: {shown:?}");
        assert_eq!(shown.contains('\u{1b}'), colored, "{environment:?}: {shown:?}");
        // Without colors, the columns are the same.
        let plain = shown.replace("\u{1b}[0m", "").replace("\u{1b}[32m", "");
        let header = plain.lines().find(|line| line.contains("SECRET")).unwrap_or_default();
        let row = plain.lines().find(|line| line.contains("ONE")).unwrap_or_default();
        let header = header.replace("\u{1b}[1m", "");
        assert_eq!(header.find("STATE"), row.find("fresh"), "{shown:?}");
    }
    let (code, shown) =
        on_terminal(&format!("--json status --server {}", sidecar.address), &[xterm]).await?;
    assert_eq!(code, 0);
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    sidecar.stop().await.map(drop)
}
