//! `km import`: what becomes of each variable, the problems of a file, and failures half way.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Fixture, FixtureSpec, Km, Server, secret};

use crate::cli::common::{contains_all, fails_as_json, file, km_against, rejected, writer};
use crate::cli::listener::{Reply, Scripted, mount_of_version_2};

/// The name of a variable in the order of the file.
fn name(at: usize) -> String {
    format!("NAME_{at:02}")
}

/// Creates a `.env` file with this many variables.
fn variables(count: usize) -> Result<(TempDir, PathBuf)> {
    private_file((0..count).map(|at| name(at) + "=value\n").collect::<String>())
}

fn private_file(text: impl AsRef<[u8]>) -> Result<(TempDir, PathBuf)> {
    let (directory, path) = file(text)?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok((directory, path))
}

fn import(fixture: &Fixture, path: &PathBuf) -> Km {
    writer(fixture).args(["import"]).args([path])
}

async fn data(fixture: &Fixture, name: &str) -> Result<Value> {
    let (_, mut response) = fixture.get(name).await?;
    Ok(response.pointer_mut("/data/data").map(Value::take).unwrap_or_default())
}

#[tokio::test]
async fn each_variable_becomes_a_secret_and_unchanged_ones_are_not_written() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (new, changed, same) = (secret("new"), secret("changed"), secret("same"));
    fixture.put("CHANGED", json!({ "key": "old", "owner": "team" })).await?;
    fixture.put("SAME", json!({ "key": same })).await?;
    fixture.put("DELETED", json!({ "key": "old" })).await?;
    writer(&fixture).args(["delete", "DELETED"]).run().await?.expect(0)?;
    let (_directory, path) = private_file(format!(
        "# keys\nexport NEW={new}\nCHANGED=\"{changed}\"\nSAME='{same}' # comment\nDELETED=a$b\n"
    ))?;
    let dry = import(&fixture, &path).args(["--dry-run"]).run().await?.expect(0)?;
    let expected = "NEW\tnew\nCHANGED\tchanged\nSAME\tunchanged\nDELETED\tnew\n\
                    2 new, 1 changed, 1 unchanged (dry run: nothing was written)\n";
    assert_eq!((dry.text()?, dry.stderr.as_str()), (expected, ""));
    assert_eq!(data(&fixture, "NEW").await?, Value::Null);
    let output = import(&fixture, &path).run().await?.expect(0)?;
    let expected = "NEW\tnew\tversion 1\nCHANGED\tchanged\tversion 2\nSAME\tunchanged\tversion 1\n\
                    DELETED\tnew\tversion 2\n2 new, 1 changed, 1 unchanged\n";
    assert_eq!((output.text()?, output.stderr.as_str()), (expected, ""));
    assert_eq!(data(&fixture, "NEW").await?, json!({ "key": new }));
    assert_eq!(data(&fixture, "CHANGED").await?, json!({ "key": changed, "owner": "team" }));
    assert_eq!(data(&fixture, "DELETED").await?, json!({ "key": "a$b" }));
    let again = import(&fixture, &path).args(["--json"]).run().await?.expect(0)?;
    let line = |name: &str, version: u64| json!({ "name": name, "outcome": "unchanged", "version": version });
    let expected = json!({ "dry_run": false, "names": [
        line("NEW", 1), line("CHANGED", 2), line("SAME", 1), line("DELETED", 2)] });
    assert_eq!(serde_json::from_slice::<Value>(&again.stdout)?, expected);
    Ok(())
}

#[tokio::test]
async fn only_option_selects_variables_of_stdin() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let km = writer(&fixture).args(["import", "-", "--only=B", "--only=C"]);
    let output = km.stdin("KM_TOKEN=t\nA=1\nB=2\nC=3\n").run().await?.expect(0)?;
    assert_eq!(output.text()?, "B\tnew\tversion 1\nC\tnew\tversion 1\n2 new\n");
    assert_eq!(data(&fixture, "A").await?, Value::Null);
    let empty = writer(&fixture).args(["import", "-"]).stdin("# none\n").run().await?.expect(0)?;
    assert_eq!(empty.text()?, "nothing to import\n");
    Ok(())
}

#[tokio::test]
async fn replace_option_needs_no_right_to_read_and_keeps_no_field() -> Result<()> {
    let policy =
        |mount: &str| format!(r#"path "{mount}/data/*" {{ capabilities = ["create", "update"] }}"#);
    let spec = FixtureSpec { policy: Some(policy), ..FixtureSpec::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    fixture.put("A", json!({ "key": "old", "owner": "team" })).await?;
    let (_directory, path) = private_file("A=value\n")?;
    let km = import(&fixture, &path).run().await?.expect(5)?;
    assert_eq!(km.text()?, "A\tfailed\n1 failed\n");
    contains_all(&km.stderr, &["km: write A: ", "--replace", "1 of 1 secrets were not written"])?;
    let dry = import(&fixture, &path).args(["--replace", "--dry-run"]).run().await?.expect(0)?;
    assert_eq!(dry.text()?, "A\treplaced\n1 replaced (dry run: nothing was written)\n");
    assert_eq!(data(&fixture, "A").await?["key"], "old");
    let output = import(&fixture, &path).args(["--replace"]).run().await?.expect(0)?;
    assert_eq!(output.text()?, "A\treplaced\tversion 2\n1 replaced\n");
    assert_eq!(data(&fixture, "A").await?, json!({ "key": "value" }));
    Ok(())
}

#[tokio::test]
async fn every_problem_of_a_file_is_reported_before_any_request() -> Result<()> {
    let large = "a".repeat(768 * 1024 + 1);
    let long = "N".repeat(513);
    let text = format!(
        "PLANTED\nHCP_VAULT_TOKEN=PLANTED\nKM_ACCESS_MODE=PLANTED\nBAO_ADDR=PLANTED\n\
         EMPTY=\nA=1\nA=PLANTED\nfolder/A=PLANTED\nlitellm/alice=PLANTED\nB=${{PLANTED}}\n\
         C='PLANTED' PLANTED\nLARGE={large}\n{long}=PLANTED\nD='PLANTED\n"
    );
    let (_directory, path) = private_file(text)?;
    for option in ["--dry-run", "--replace", "--json"] {
        let run = |km: Km| {
            let km = km.env("KM_ACCESS_MODE", "read_and_write").args(["import"]).args([&path]);
            if option == "--json" { km } else { km.args([option]) }
        };
        let stderr = rejected("usage", run).await?;
        let problems: Vec<_> = stderr.lines().filter(|line| line.starts_with("km: ")).collect();
        let expected = [
            "line 1: not of the form NAME=VALUE",
            "line 2: HCP_VAULT_TOKEN: a setting or a credential",
            "line 3: KM_ACCESS_MODE: a setting or a credential",
            "line 4: BAO_ADDR: a setting or a credential",
            "line 5: EMPTY: the value is empty",
            "line 7: A is already set in line 6",
            "line 8: the name is not that of a variable",
            "line 9: the name is not that of a variable",
            "line 10: `${`",
            "line 11: something other than a comment",
            "line 12: LARGE: the value is larger than 768 KiB",
            "line 13: ",
            "line 14: the quote is not closed",
        ];
        assert_eq!(problems.len(), expected.len(), "{stderr:.4000}");
        for (problem, expected) in problems.iter().zip(expected) {
            contains_all(problem, &[&format!("import {}: {expected}", path.display())])?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn file_that_cannot_be_read_is_exit_2() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("binary"), b"A=\xff\n")?;
    std::fs::write(path("large"), vec![b'#'; 4 * 1024 * 1024 + 1])?;
    for (path, why) in [
        (path("missing"), "No such file"),
        (directory.path().to_owned(), "not a regular file"),
        (path("binary"), "not UTF-8"),
        (path("large"), "larger than 4 MiB"),
    ] {
        let stderr = rejected("usage", |km| {
            km.env("KM_ACCESS_MODE", "read_and_write").args(["import"]).args([&path])
        })
        .await?;
        contains_all(&stderr, &[&format!("km: import {}: ", path.display()), why])?;
    }
    let stderr = rejected("usage", |km| {
        let km = km.env("KM_ACCESS_MODE", "read_and_write");
        km.args(["import", "-", "--only=ABSENT"]).stdin("A=1\n")
    })
    .await?;
    contains_all(&stderr, &["ABSENT", "--only"])
}

#[tokio::test]
async fn read_only_access_mode_is_exit_5_before_any_request() -> Result<()> {
    let silent = crate::cli::listener::Silent::new()?;
    let km = || km_against(&silent.address()).args(["import", "-", "--dry-run"]).stdin("A=1\n");
    fails_as_json(km().args(["--json"]), 5, "denied").await?;
    contains_all(&km().run().await?.expect(5)?.stderr, &["read_only"])?;
    assert_eq!(silent.connections()?, 0);
    Ok(())
}

#[tokio::test]
async fn file_that_others_can_read_is_imported_with_a_warning() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (_directory, path) = private_file("A=value\n")?;
    for (mode, expected) in [(0o604, 1), (0o640, 0)] {
        std::fs::set_permissions(&path, Permissions::from_mode(mode))?;
        let output = import(&fixture, &path).run().await?.expect(0)?;
        assert_eq!(output.stderr.matches("other users can read").count(), expected, "{mode:o}");
    }
    Ok(())
}

/// One name is denied by the policy. The report says what became of each of the others, and the same
/// command completes the import once the policy allows it.
#[tokio::test]
async fn failed_import_reports_each_secret_and_is_completed_by_running_it_again() -> Result<()> {
    let denied = |mount: &str| {
        let rights = r#"capabilities = ["create", "update", "read"]"#;
        let all = format!(r#"path "{mount}/data/*" {{ {rights} }}"#);
        format!(r#"{all} path "{mount}/data/NAME_05" {{ capabilities = ["deny"] }}"#)
    };
    let spec = FixtureSpec { policy: Some(denied), ..FixtureSpec::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let (_directory, path) = variables(60)?;
    let output = import(&fixture, &path).run().await?.expect(5)?;
    contains_all(&output.stderr, &["km: write NAME_05: ", "secrets were not written", "again"])?;
    let lines: Vec<_> = output.text()?.lines().collect();
    assert_eq!(lines.len(), 61);
    for (at, line) in lines.iter().take(60).enumerate() {
        let outcome = line.strip_prefix(&format!("{}\t", name(at))).context("another name")?;
        let is_stored = data(&fixture, &name(at)).await? != Value::Null;
        let expected = if at == 5 {
            "failed"
        } else if is_stored {
            "new\tversion 1"
        } else {
            "not written"
        };
        assert_eq!(outcome, expected, "{line}");
    }
    let policy = format!("sys/policies/acl/{}", fixture.policy);
    let rules = format!(
        r#"path "{}/data/*" {{ capabilities = ["create", "update", "read"] }}"#,
        fixture.mount
    );
    fixture.server().must("PUT", &policy, json!({ "policy": rules })).await?;
    import(&fixture, &path).run().await?.expect(0)?;
    for at in 0..60 {
        let (_, response) = fixture.get(&name(at)).await?;
        assert_eq!(response["data"]["metadata"]["version"], 1, "{at}");
    }
    Ok(())
}

fn written() -> Value {
    json!({ "data": { "version": 1, "created_time": "2026-01-01T00:00:00Z", "deletion_time": "",
        "destroyed": false, "custom_metadata": null } })
}

/// Sixteen secrets are written at a time. After a failure, the writes in flight complete and no
/// other begins.
#[tokio::test]
async fn failure_ends_the_import_after_the_writes_in_flight() -> Result<()> {
    let server = Scripted::new(|request| match request {
        _ if request.starts_with("GET /v1/sys/") => mount_of_version_2(),
        _ if request.contains("NAME_00") => Reply::Json(400, json!({ "errors": ["no"] })),
        _ => Reply::Hang,
    })?;
    let (_directory, path) = variables(40)?;
    let km = km_against(&server.address()).env("KM_ACCESS_MODE", "read_and_write");
    let km = km.env("KM_DEADLINE", "2s").args(["import"]).args([&path]);
    let output = km.run().await?;
    assert_ne!(output.code, 0);
    contains_all(&output.stderr, &["km: write NAME_00: ", "40 of 40 secrets were not written"])?;
    contains_all(output.text()?, &["16 failed, 24 not written\n"])?;
    let requested = server.requests();
    assert!(!requested.iter().any(|request| request.contains("NAME_16")), "{requested:?}");
    Ok(())
}

#[tokio::test]
async fn signal_ends_the_import_after_the_writes_in_flight() -> Result<()> {
    let server = Scripted::new(|request| match request.split(' ').next() {
        _ if request.starts_with("GET /v1/sys/") => mount_of_version_2(),
        Some("GET") => Reply::Json(404, json!({ "errors": [] })),
        _ => Reply::Later(200, written()),
    })?;
    let (_directory, path) = variables(40)?;
    let km = km_against(&server.address()).env("KM_ACCESS_MODE", "read_and_write");
    let running = km.env("KM_DEADLINE", "60s").args(["import"]).args([&path]).start().await?;
    for at in 0..16 {
        server.wait_for_request(&format!("POST /v1/secret/data/{}", name(at))).await?;
    }
    running.signal("TERM")?;
    server.release();
    let output = running.finish().await?.expect(4)?;
    contains_all(output.text()?, &["NAME_15\tnew\tversion 1\n", "16 new, 24 not written\n"])?;
    contains_all(&output.stderr, &["interrupted by a signal", "24 of 40 secrets", "hint: "])?;
    Ok(())
}
