//! Text of Vault or of a user that could control a terminal is escaped in everything that people
//! read.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Km, Server};

use crate::cli::common::{km_against, km_with_token};
use crate::cli::listener::{Reply, Scripted, mount_of_version_2};

/// Sets a colour, moves up a line, hides the text that follows, and begins a new line.
const HOSTILE: &str = "a\u{1b}[31m\u{9b}1A\u{202e}\u{200b}\u{7f}\u{2028}b\nkm: forged\tc";
const ESCAPED: &str = r"a\u{1b}[31m\u{9b}1A\u{202e}\u{200b}\u{7f}\u{2028}b\nkm: forged\tc";

/// Fails if a text of several lines contains invisible characters.
fn assert_visible(text: &str) {
    let hidden =
        |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202e}' | '\u{200b}' | '\u{2028}');
    assert!(!text.contains(hidden), "{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("km: forged")), "{text:?}");
}

/// Runs `km` as text and as JSON. Returns stdout and stderr of the text form.
async fn run_as_text_and_json(km: impl Fn() -> Km) -> Result<(String, String)> {
    let output = km().run().await?;
    let document = km().args(["--json"]).run().await?;
    for text in [output.text()?, &output.stderr, document.text()?, &document.stderr] {
        assert_visible(text);
    }
    if let Ok(line) = document.text()
        && !line.is_empty()
    {
        serde_json::from_str::<Value>(line)?;
    }
    Ok((output.text()?.to_owned(), output.stderr))
}

#[tokio::test]
async fn policy_names_are_escaped_in_check_output() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let policies = json!({ "policies": [fixture.policy, "p\u{1b}[31m\u{202e}"] });
    let token = fixture.token(policies).await?;
    let (address, mount) = (fixture.server().address(), &fixture.mount);
    let (stdout, _) =
        run_as_text_and_json(|| km_with_token(address, mount, &token).args(["check"])).await?;
    assert!(stdout.contains(r"p\u{1b}[31m\u{202e}"), "{stdout}");
    Ok(())
}

/// Starts a server that returns hostile text in every text field. A real server rejects such names.
fn hostile() -> Result<Scripted> {
    Scripted::new(|request| {
        let reply = |data: Value| Reply::Json(200, json!({ "data": data }));
        let metadata = json!({ "created_time": HOSTILE, "deletion_time": "", "destroyed": false,
            "version": 1 });
        match request {
            _ if request.contains("internal/ui/mounts") => mount_of_version_2(),
            _ if request.contains("sys/health") => Reply::Json(
                200,
                json!({ "initialized": true, "sealed": false, "version": HOSTILE }),
            ),
            _ if request.contains("lookup-self") => {
                reply(json!({ "ttl": 0, "policies": [HOSTILE] }))
            }
            _ if request.contains("list=true") || request.starts_with("LIST") => {
                reply(json!({ "keys": [HOSTILE] }))
            }
            _ if request.contains("/data/") => {
                reply(json!({ "data": { "key": HOSTILE }, "metadata": metadata }))
            }
            _ => Reply::Json(404, json!({ "errors": [] })),
        }
    })
}

#[tokio::test]
async fn server_text_is_escaped_except_for_the_value() -> Result<()> {
    let server = hostile()?;
    let km = || km_against(&server.address()).env("KM_LOG", "trace");
    let (stdout, _) = run_as_text_and_json(|| km().args(["list"])).await?;
    assert_eq!(stdout, format!("{ESCAPED}\n"));
    let (stdout, _) = run_as_text_and_json(|| km().args(["check"])).await?;
    assert_eq!(stdout.matches(ESCAPED).count(), 2, "{stdout}");
    let output = km().args(["read", "A", "--explain"]).run().await?.expect(0)?;
    assert_eq!(output.text()?, HOSTILE);
    assert_visible(&output.stderr);
    assert!(output.stderr.contains(&format!("created: {ESCAPED}\n")), "{}", output.stderr);
    let output = km().args(["read", "A", "--explain", "--json"]).run().await?.expect(0)?;
    assert_visible(&output.stderr);
    Ok(())
}

#[tokio::test]
async fn user_text_is_escaped_in_errors_and_logs() -> Result<()> {
    let km = || km_against("http://127.0.0.1:1");
    for (arguments, shown) in [
        (&["read", HOSTILE][..], false),
        (&["--config", HOSTILE, "list"], true),
        (&["list", "--log", HOSTILE], false),
        (&["key", "read", "a", "--team-settings", &format!("@{HOSTILE}")], true),
    ] {
        let (_, stderr) = run_as_text_and_json(|| km().args(arguments)).await?;
        assert!(stderr.starts_with("km: "), "{arguments:?}: {stderr}");
        assert_eq!(stderr.contains(ESCAPED), shown, "{arguments:?}: {stderr}");
    }
    let warned = || km().env("HCP_VAULT_CLIENT_CERT", HOSTILE);
    run_as_text_and_json(|| warned().args(["list"])).await?;
    Ok(())
}
