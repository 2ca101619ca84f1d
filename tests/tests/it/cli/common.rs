//! Shared helpers: the required form of a failure, and runs that must not contact a server.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Fixture, Km, secret};

use super::listener::Silent;

/// The name of a provider key as gateways request it.
pub(crate) const NAME: &str = "OPENAI_API_KEY";

/// Every command of `km key`, without options.
pub(crate) const KEY_COMMANDS: [&[&str]; 6] = [
    &["store", "k"],
    &["read", "k"],
    &["list"],
    &["rotate", "k"],
    &["rename", "k", "l"],
    &["delete", "k"],
];

/// Returns the fixture's program in the mode `read_and_write`.
pub(crate) fn writer(fixture: &Fixture) -> Km {
    fixture.km().env("KM_ACCESS_MODE", "read_and_write")
}

/// Returns a program that uses a token instead of a login.
pub(crate) fn km_with_token(address: &str, mount: &str, token: &str) -> Km {
    Km::new()
        .env("HCP_VAULT_ADDR", address)
        .env("HCP_VAULT_MOUNT_NAME", mount)
        .env("HCP_VAULT_TOKEN", token)
}

/// Returns the variables of a `km` that may write, with a token for a server at this address.
pub(crate) fn writer_environment(address: &str) -> [(&'static str, &str); 3] {
    [
        ("HCP_VAULT_ADDR", address),
        ("HCP_VAULT_TOKEN", "token"),
        ("KM_ACCESS_MODE", "read_and_write"),
    ]
}

/// Like [`km_with_token`], but for a scripted server at LiteLLM's default mount and with a planted
/// token.
pub(crate) fn km_against(address: &str) -> Km {
    km_with_token(address, "secret", &secret("token"))
}

/// Runs `km` twice, as text and with `--json`. Both must fail with `code`, leave stdout empty and
/// give a hint; the JSON form must name `kind`. Returns the stderr of the text form.
pub(crate) async fn fails(km: impl Fn() -> Km, code: i32, kind: &str) -> Result<String> {
    let document = fails_as_json(km().args(["--json"]), code, kind).await?;
    let output = km().run().await?.expect(code)?;
    ensure!(output.stdout.is_empty(), "on stdout: {:?}", output.stdout);
    let stderr = output.stderr;
    ensure!(stderr.lines().any(|line| line.starts_with("km: ")), "no line `km: …`: {stderr}");
    ensure!(stderr.lines().any(|line| line.starts_with("hint: ")), "no hint: {stderr}");
    for line in stderr.lines().filter_map(|line| line.strip_prefix("km: ")) {
        ensure!(line.contains(": ") || kind == "usage", "not `operation: cause`: {line}");
        // If there are several problems, the JSON form contains all of them.
        let message = document["error"]["message"].as_str().unwrap_or_default();
        ensure!(
            contains_ignoring_digits(message, line),
            "the document lacks {line:?}: {message:?}"
        );
    }
    Ok(stderr)
}

/// Runs `km` once. It must fail, and stderr must be one JSON object of the documented form and
/// nothing else.
pub(crate) async fn fails_as_json(km: Km, code: i32, kind: &str) -> Result<Value> {
    let output = km.run().await?.expect(code)?;
    ensure!(output.stdout.is_empty(), "on stdout: {:?}", output.stdout);
    error_document(&output.stderr, kind)
}

/// Parses stderr as the one JSON object of an error.
pub(crate) fn error_document(stderr: &str, kind: &str) -> Result<Value> {
    let document: Value =
        serde_json::from_str(stderr).with_context(|| format!("not one JSON object: {stderr}"))?;
    let names = |value: &Value| -> Vec<String> {
        value.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default()
    };
    let error = &document["error"];
    ensure!(names(&document) == ["error"], "{document}");
    ensure!(names(error) == ["hint", "kind", "message"], "{document}");
    ensure!(error["kind"] == kind, "the kind is not {kind}: {document}");
    let text = |name: &str| error[name].as_str().is_some_and(|text| !text.is_empty());
    ensure!(text("message") && (text("hint") || error["hint"].is_null()), "{document}");
    Ok(document)
}

/// Runs `km` against a server that it must not contact. It must exit with 2 and open no connection.
/// Returns stderr.
pub(crate) async fn rejected(kind: &str, change: impl Fn(Km) -> Km) -> Result<String> {
    let silent = Silent::new()?;
    let stderr = fails(|| change(km_against(&silent.address())), 2, kind).await?;
    ensure!(silent.connections()? == 0, "a connection was opened: {stderr}");
    Ok(stderr)
}

/// Fails unless the text contains all of these parts.
pub(crate) fn contains_all(text: &str, parts: &[&str]) -> Result<()> {
    for part in parts {
        ensure!(text.contains(part), "{part:?} is missing: {text}");
    }
    Ok(())
}

/// Creates a directory with one file in it. The file is removed with the directory.
pub(crate) fn file(content: impl AsRef<[u8]>) -> Result<(TempDir, PathBuf)> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("file");
    std::fs::write(&path, content)?;
    Ok((directory, path))
}

/// Returns whether `whole` contains `part`, ignoring digits such as those of a measured time.
fn contains_ignoring_digits(whole: &str, part: &str) -> bool {
    let plain = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    plain(whole).contains(&plain(part))
}
