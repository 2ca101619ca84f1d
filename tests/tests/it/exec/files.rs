//! `km exec --files`: values in files that are replaced while the program is running.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Fixture, Km, Server, secret};

use super::watch::program::Watched;
use super::{exec_with_references, fails_before_start, shell};
use crate::cli::common::{contains_all, km_against};
use crate::cli::listener::Silent;

/// Returns `km exec --files` for these options, which notices a change within a second.
fn exec_files(fixture: &Fixture, directory: &TempDir, options: &[&str]) -> Km {
    let km = fixture.km().env("HCP_VAULT_REFRESH_INTERVAL", "1");
    km.env("DIR", directory.path()).args(["exec", "--files"]).args([directory.path()]).args(options)
}

async fn fixture(pairs: &[(&str, &str)]) -> Result<Fixture> {
    let fixture = Server::shared().await?.fixture().await?;
    for (name, value) in pairs {
        fixture.put(name, json!({ "key": value })).await?;
    }
    Ok(fixture)
}

/// Returns the content of every file below a directory, hidden ones included.
fn contents(directory: &Path) -> Result<String> {
    let mut text = String::new();
    for entry in directory.read_dir()? {
        let path = entry?.path();
        text += &if path.is_dir() { contents(&path)? } else { fs::read_to_string(path)? };
    }
    Ok(text)
}

#[tokio::test]
async fn references_become_files_and_only_env_becomes_variables() -> Result<()> {
    let (one, two, other) = (secret("one"), secret("two"), secret("other"));
    let fixture = fixture(&[("ONE", &one), ("folder/TWO", &two), ("OTHER", &other)]).await?;
    let directory = tempfile::tempdir()?;
    let (_config, km) = exec_with_references(&fixture, &["ONE", "folder/TWO"])?;
    let script = "cat \"$DIR/ONE\" \"$DIR/TWO\"; echo; echo \"${ONE-unset} $VARIABLE\"; exit 3";
    let km = km.env("DIR", directory.path()).args(["--files"]).args([directory.path()]);
    let output = km.args(["--env=VARIABLE=OTHER"]).args(shell(script)).run().await?.expect(3)?;
    assert_eq!(output.text()?, format!("{one}{two}\nunset {other}\n"));
    assert_eq!(contents(directory.path())?, "", "files are left");
    Ok(())
}

#[tokio::test]
async fn files_are_replaced_while_the_program_is_running() -> Result<()> {
    let (first, second) = (secret("first"), secret("second"));
    let fixture = fixture(&[("ONE", &first), ("OTHER", &first)]).await?;
    let directory = tempfile::tempdir()?;
    let script = "trap 'exit 5' USR1; cat \"$DIR/ONE\"; echo; first=$(cat \"$DIR/ONE\");
        while [ \"$(cat \"$DIR/ONE\")\" = \"$first\" ]; do sleep 0.05; done
        cat \"$DIR/ONE\"; echo";
    let km = exec_files(&fixture, &directory, &["--only=ONE", "--env=VARIABLE=OTHER"]);
    let mut program = Watched::start(km, script).await?;
    assert_eq!(program.line().await?, first);
    // A variable of a running program cannot change.
    fixture.put("OTHER", json!({ "key": second })).await?;
    fixture.put("ONE", json!({ "key": second })).await?;
    assert_eq!(program.line().await?, second);
    let mode = fs::metadata(directory.path().join("ONE"))?.mode();
    assert_eq!(mode & 0o7777, 0o400);
    program.signal("USR1")?;
    let stderr = program.wait_for_exit(5).await?;
    assert!(!stderr.contains("restarted"), "{stderr}");
    assert_eq!(contents(directory.path())?, "", "files are left");
    Ok(())
}

#[tokio::test]
async fn change_of_watched_files_restarts_or_signals_the_program_with_the_new_files() -> Result<()>
{
    let (first, second) = (secret("first"), secret("second"));
    for (options, expected) in [
        (&["--watch", "--only=ONE"][..], second.clone()),
        (&["--watch", "--only=ONE", "--on-change=SIGHUP"], format!("signalled {second}")),
    ] {
        let fixture = fixture(&[("ONE", &first)]).await?;
        let directory = tempfile::tempdir()?;
        let script = "trap 'echo \"signalled $(cat \"$DIR/ONE\")\"' HUP; cat \"$DIR/ONE\"; echo";
        let mut program = Watched::start(exec_files(&fixture, &directory, options), script).await?;
        assert_eq!(program.line().await?, first);
        fixture.put("ONE", json!({ "key": second })).await?;
        assert_eq!(program.line().await?, expected, "{options:?}");
        program.signal("TERM")?;
        program.wait_for_exit(143).await?;
    }
    Ok(())
}

/// A variable cannot hold these.
#[tokio::test]
async fn file_holds_what_a_variable_cannot() -> Result<()> {
    let (with_nul, large) = (format!("a\0{}", secret("b")), "x".repeat(200 * 1024));
    let fixture = fixture(&[("NUL", &with_nul), ("PATH", &large)]).await?;
    let directory = tempfile::tempdir()?;
    let km = || exec_files(&fixture, &directory, &["--only=NUL", "--only=PATH"]);
    let script = ["--", "/bin/sh", "-c", "/bin/cat \"$DIR/NUL\" \"$DIR/PATH\""];
    let output = km().args(script).run().await?.expect(0)?;
    assert_eq!(output.text()?, format!("{with_nul}{large}"));
    Ok(())
}

#[tokio::test]
async fn unusable_directory_is_rejected_before_the_start() -> Result<()> {
    let silent = Silent::new()?;
    let directory = tempfile::tempdir()?;
    let missing = directory.path().join("missing");
    for (path, interval, kind, parts) in [
        (missing.as_path(), "1", "usage", &["--files", "install -d"][..]),
        (directory.path(), "0", "settings", &["--files", "HCP_VAULT_REFRESH_INTERVAL"]),
    ] {
        let km = || {
            let km = km_against(&silent.address()).env("HCP_VAULT_REFRESH_INTERVAL", interval);
            km.args(["exec", "--only=ONE", "--files"]).args([path])
        };
        contains_all(&fails_before_start(km, &shell("true"), 2, kind).await?, parts)?;
    }
    assert_eq!(silent.connections()?, 0, "a request was sent");
    let fixture = fixture(&[("ONE", "value")]).await?;
    fs::write(directory.path().join("ONE"), "of another program")?;
    let km = || exec_files(&fixture, &directory, &["--only=ONE"]);
    let stderr = fails_before_start(km, &shell("true"), 2, "usage").await?;
    contains_all(&stderr, &["ONE exists and was not created by km"])?;
    assert_eq!(fs::read_to_string(directory.path().join("ONE"))?, "of another program");
    Ok(())
}

#[tokio::test]
async fn dry_run_names_the_files_and_writes_none() -> Result<()> {
    let fixture = fixture(&[("ONE", &secret("one"))]).await?;
    let directory = tempfile::tempdir()?;
    let km = exec_files(&fixture, &directory, &["--only=ONE", "--dry-run", "--json"]);
    let output = km.run().await?.expect(0)?;
    let document: Value = serde_json::from_str(output.text()?)?;
    let path = directory.path().join("ONE");
    assert_eq!(document["variables"][0]["variable"], path.display().to_string());
    assert_eq!(directory.path().read_dir()?.count(), 0);
    Ok(())
}
