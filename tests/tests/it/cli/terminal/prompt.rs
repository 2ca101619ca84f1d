//! The prompt for a value.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testkit::{Fixture, Server, secret};

use super::Terminal;
use crate::cli::common::{NAME, contains_all, error_document, writer_environment};
use crate::cli::listener::Silent;
use crate::cli::program::signal;

const VALUE: &str = "Value of OPENAI_API_KEY: ";
const REPEAT: &str = "Repeat the value: ";

/// The commands that read a value, with the prompt and the path of the secret.
const COMMANDS: [(&[&str], &str, &str); 3] = [
    (&["write", NAME], VALUE, NAME),
    (&["key", "store", "alice"], "Value of alice: ", "litellm/alice"),
    (&["key", "rotate", "alice"], "Value of alice: ", "litellm/alice"),
];

async fn stored(fixture: &Fixture, path: &str) -> Result<Value> {
    let (_, mut response) = fixture.get(path).await?;
    Ok(response.pointer_mut("/data/data/key").map(Value::take).unwrap_or_default())
}

/// Runs a command against a server that must not be contacted.
async fn prompt(silent: &Silent, arguments: &[&str]) -> Result<Terminal> {
    let address = silent.address();
    let environment = [
        ("HCP_VAULT_ADDR", address.as_str()),
        ("HCP_VAULT_TOKEN", "token"),
        ("KM_ACCESS_MODE", "read_and_write"),
        ("KM_STORE_VIRTUAL_KEYS", "true"),
    ];
    Terminal::km(arguments, &environment).await
}

#[tokio::test]
async fn value_entered_twice_is_stored_and_never_displayed() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let token = fixture.token(json!({})).await?;
    let environment = [
        ("HCP_VAULT_ADDR", fixture.server().address()),
        ("HCP_VAULT_MOUNT_NAME", &fixture.mount),
        ("HCP_VAULT_TOKEN", &token),
        ("KM_ACCESS_MODE", "read_and_write"),
        ("KM_STORE_VIRTUAL_KEYS", "true"),
    ];
    for (arguments, question, path) in COMMANDS {
        let value = secret("value");
        let mut terminal = Terminal::km(arguments, &environment).await?;
        for question in [question, REPEAT] {
            terminal.wait_for(question).await?;
            assert!(!terminal.echoes()?, "{arguments:?}");
            terminal.type_text(&format!("{value}\n"))?;
        }
        let (code, echoes, shown) = terminal.finish().await?;
        assert_eq!((code, echoes), (0, true), "{arguments:?}: {shown}");
        assert!(!shown.contains("PLANTED"), "{arguments:?}");
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines.len(), 3, "{shown:?}");
        contains_all(lines[2], &["stored ", path])?;
        assert_eq!(stored(&fixture, path).await?, json!(value), "{arguments:?}");
    }
    Ok(())
}

#[tokio::test]
async fn entries_that_differ_are_exit_2() -> Result<()> {
    let silent = Silent::new()?;
    for (arguments, question, _) in COMMANDS {
        let mut terminal = prompt(&silent, arguments).await?;
        terminal.wait_for(question).await?;
        terminal.type_text("PLANTED-one\n")?;
        terminal.wait_for(REPEAT).await?;
        terminal.type_text("PLANTED-two\n")?;
        let (code, echoes, shown) = terminal.finish().await?;
        assert_eq!((code, echoes), (2, true), "{shown}");
        contains_all(&shown, &["km: read the value: the two entries differ\r\n", "hint: "])?;
        assert!(!shown.contains("PLANTED"), "{shown}");
    }
    assert_eq!(silent.connections()?, 0);
    Ok(())
}

#[tokio::test]
async fn entry_that_is_no_value_is_exit_2_after_the_first_prompt() -> Result<()> {
    let silent = Silent::new()?;
    let long = format!("{}\n", "PLANTED-".repeat(600));
    for (typed, why) in [
        ("\n", "empty"),
        ("\x04", "empty"),
        ("PLANTED\x1b[D\n", "control character"),
        ("PLANTED\tB\n", "control character"),
        (long.as_str(), "too long"),
    ] {
        let mut terminal = prompt(&silent, &["write", NAME]).await?;
        terminal.wait_for(VALUE).await?;
        terminal.type_text(typed)?;
        let (code, echoes, shown) = terminal.finish().await?;
        assert_eq!((code, echoes), (2, true), "{why}: {shown}");
        contains_all(&shown, &[why, "\r\nkm: ", "hint: "])?;
        assert!(!shown.contains("PLANTED") && !shown.contains("Repeat"), "{why}: {shown}");
    }
    assert_eq!(silent.connections()?, 0);
    Ok(())
}

#[tokio::test]
async fn empty_value_is_stored_if_it_is_allowed() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let token = fixture.token(json!({})).await?;
    let environment = [
        ("HCP_VAULT_ADDR", fixture.server().address()),
        ("HCP_VAULT_MOUNT_NAME", &fixture.mount),
        ("HCP_VAULT_TOKEN", &token),
        ("KM_ACCESS_MODE", "read_and_write"),
    ];
    for typed in ["\n", "\x04"] {
        let arguments = ["write", NAME, "--allow-empty"];
        let mut terminal = Terminal::km(&arguments, &environment).await?;
        for question in [VALUE, REPEAT] {
            terminal.wait_for(question).await?;
            terminal.type_text(typed)?;
        }
        let (code, _, shown) = terminal.finish().await?;
        assert_eq!(code, 0, "{typed:?}: {shown}");
        assert_eq!(stored(&fixture, NAME).await?, json!(""));
    }
    Ok(())
}

#[tokio::test]
async fn signal_at_the_prompt_ends_the_command_with_the_echo_restored() -> Result<()> {
    let silent = Silent::new()?;
    for key in ["\x03", "\x1c", "INT", "TERM", "HUP", "QUIT"] {
        let mut terminal = prompt(&silent, &["write", NAME]).await?;
        terminal.wait_for(VALUE).await?;
        assert!(!terminal.echoes()?);
        terminal.type_text("PLANTED")?;
        match key {
            "\x03" | "\x1c" => terminal.type_text(key)?,
            name => signal(&terminal.child, name).await?,
        }
        let (code, echoes, shown) = terminal.finish().await?;
        assert_eq!((code, echoes), (4, true), "{key:?}: {shown}");
        contains_all(&shown, &["\r\nkm: interrupted by a signal\r\n", "hint: "])?;
        assert!(!shown.contains("PLANTED"), "{shown}");
    }
    assert_eq!(silent.connections()?, 0);
    Ok(())
}

/// The shell without job control of its own terminal settings, as `dash`, sees what `km` left.
#[tokio::test]
async fn stopped_prompt_restores_the_echo_and_asks_again_when_it_continues() -> Result<()> {
    let silent = Silent::new()?;
    let address = silent.address();
    let environment = writer_environment(&address);
    let script = "set -m; \"$@\"; echo \"stopped $?\"; read line; fg >/dev/null; echo \"ended $?\"";
    let mut terminal = Terminal::script(script, &["write", NAME], &environment).await?;
    terminal.wait_for(VALUE).await?;
    terminal.type_text("PLANTED")?;
    terminal.type_text("\x1a")?;
    terminal.wait_for("stopped 1").await?;
    assert!(terminal.echoes()?);
    terminal.type_text("\n")?;
    terminal.wait_for(VALUE).await?;
    assert!(!terminal.echoes()?);
    // What was typed before the stop is not part of the value.
    terminal.type_text("one\n")?;
    terminal.wait_for(REPEAT).await?;
    terminal.type_text("\x03")?;
    terminal.wait_for("ended 4").await?;
    let (_, echoes, shown) = terminal.finish().await?;
    assert!(echoes && !shown.contains("PLANTED"), "{shown}");
    Ok(())
}

/// The second line would be the repetition, and the third the next command of the shell.
#[tokio::test]
async fn pasted_lines_are_not_left_to_the_shell() -> Result<()> {
    let silent = Silent::new()?;
    let address = silent.address();
    let environment = writer_environment(&address);
    let script = "\"$@\"; echo \"ended $?\"; read line; echo \"got $line\"";
    let mut terminal = Terminal::script(script, &["write", NAME], &environment).await?;
    terminal.wait_for(VALUE).await?;
    terminal.type_text("PLANTED-1\nPLANTED-2\nPLANTED-3\n")?;
    terminal.wait_for("the two entries differ").await?;
    terminal.wait_for("ended 2").await?;
    terminal.type_text("typed\n")?;
    terminal.wait_for("got typed").await?;
    let (_, _, shown) = terminal.finish().await?;
    assert!(!shown.contains("PLANTED"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn json_option_does_not_prompt() -> Result<()> {
    let silent = Silent::new()?;
    for (arguments, ..) in COMMANDS {
        let arguments: Vec<_> = arguments.iter().copied().chain(["--json"]).collect();
        let (code, _, shown) = prompt(&silent, &arguments).await?.finish().await?;
        assert_eq!(code, 2, "{shown}");
        let document = error_document(&shown, "usage")?;
        ensure!(document["error"]["message"].as_str().unwrap_or_default().contains("terminal"));
    }
    assert_eq!(silent.connections()?, 0);
    Ok(())
}
