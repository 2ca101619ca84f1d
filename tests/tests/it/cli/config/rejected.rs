//! Invalid configuration: exit 2, an error with file and line, and no request.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use testkit::secret;

use crate::cli::common::{NAME, contains_all, file, rejected};

/// Fails unless the file is rejected, given by option and by variable, with these parts in the
/// error.
async fn check(content: impl AsRef<[u8]>, parts: &[&str]) -> Result<()> {
    let (_directory, path) = file(content)?;
    let shown = path.display().to_string();
    let by_option = |km: testkit::Km| km.args(["--config", &shown, "read", NAME]);
    let by_variable = |km: testkit::Km| km.env("KM_CONFIG", &shown).args(["read", NAME]);
    contains_all(&rejected("settings", by_option).await?, parts)?;
    let stderr = rejected("settings", by_variable).await?;
    contains_all(&stderr, parts)?;
    contains_all(&stderr, &["km: settings: ", &shown, "hint: "])
}

/// Returns a file whose `key_management_settings` are these lines.
fn settings(lines: &[&str]) -> String {
    let lines = lines.iter().fold(String::new(), |lines, line| lines + "    " + line + "\n");
    format!("general_settings:\n  key_management_settings:\n{lines}")
}

/// Creates a FIFO without a writer, on which an ordinary `open` would block.
fn fifo(directory: &Path) -> Result<PathBuf> {
    let fifo = directory.join("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status()?;
    ensure!(made.success(), "mkfifo: {made}");
    Ok(fifo)
}

#[tokio::test]
async fn unreadable_config_file_is_rejected_without_blocking() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let missing = directory.path().join("config.yaml");
    let fifo = fifo(directory.path())?;
    for (path, why) in [
        (missing.as_path(), "not found"),
        (directory.path(), "not a regular file"),
        (&fifo, "not a regular file"),
        (Path::new("/dev/zero"), "not a regular file"),
    ] {
        let stderr = rejected("settings", |km| km.env("KM_CONFIG", path).args(["list"])).await?;
        let shown = path.display().to_string();
        contains_all(&stderr, &[&shown, "cannot read the file: ", why, "--config", "KM_CONFIG"])?;
        let stderr = rejected("settings", |km| km.args(["--config", &shown, "list"])).await?;
        contains_all(&stderr, &[&shown, why])?;
        let team = format!("@{shown}");
        let stderr =
            rejected("settings", |km| km.args(["key", "read", "alias", "--team-settings", &team]))
                .await?;
        contains_all(&stderr, &[&shown, "cannot read the file: ", why, "--team-settings @FILE"])?;
    }
    Ok(())
}

#[tokio::test]
async fn unreadable_included_file_is_reported_with_its_line() -> Result<()> {
    let directory = tempfile::tempdir()?;
    fifo(directory.path())?;
    let large = directory.path().join("large.yaml");
    std::fs::write(&large, "#".repeat(1024 * 1024))?;
    std::fs::write(directory.path().join("binary.yaml"), b"a: \xff")?;
    let config = directory.path().join("config.yaml");
    for (include, why) in [
        ("absent.yaml", "not found"),
        ("fifo", "not a regular file"),
        ("/dev/zero", "not a regular file"),
        ("large.yaml", "all files together are larger than 1 MiB"),
        ("binary.yaml", "not UTF-8"),
        ("\"a\\e[31m\"", "`a\\u{1b}[31m`: not found"),
    ] {
        std::fs::write(&config, format!("x: 1\ninclude:\n- {include}\n"))?;
        let stderr = rejected("settings", |km| km.env("KM_CONFIG", &config).args(["list"])).await?;
        let location = format!("{}:3: include: cannot include ", config.display());
        contains_all(&stderr, &[&location, why])?;
    }
    Ok(())
}

#[tokio::test]
async fn variable_that_is_not_utf8_is_rejected() -> Result<()> {
    use std::os::unix::ffi::OsStrExt as _;

    let value = std::ffi::OsStr::from_bytes(b"/etc/\xff.yaml");
    for name in ["KM_CONFIG", "KM_LOG"] {
        let stderr = rejected("settings", |km| km.env(name, value).args(["list"])).await?;
        contains_all(&stderr, &[&format!("settings: {name}: the value is not UTF-8")])?;
    }
    Ok(())
}

#[tokio::test]
async fn large_environment_is_rejected_with_a_short_error() -> Result<()> {
    // The most that Linux passes to a program: 128 KiB in one variable, 2 MiB in total.
    let value = "x,".repeat(60_000);
    let stderr = rejected("settings", |km| {
        let km = (0..8).fold(km, |km, index| km.env(format!("OTHER_{index}"), &value));
        km.env("HCP_VAULT_NAMESPACE", &value).env("KM_FALLBACK", &value).args(["read", NAME])
    })
    .await?;
    contains_all(&stderr, &["HCP_VAULT_NAMESPACE: ", "KM_FALLBACK: "])?;
    assert!(stderr.len() < 2000, "{} bytes", stderr.len());
    Ok(())
}

#[tokio::test]
async fn malformed_or_oversized_config_file_is_rejected() -> Result<()> {
    check(b"general_settings: \xff\xfe", &["not UTF-8"]).await?;
    check(format!("# {}\n", "a".repeat(1024 * 1024)), &["1 MiB"]).await?;
    check("general_settings: [\n", &["YAML"]).await?;
    let text = "general_settings: {key_management_system: hashicorp_vault}\n";
    check(format!("{text}{text}"), &["duplicate key"]).await?;
    check(settings(&["access_mode: read_only", "access_mode: write_only"]), &["duplicate key"])
        .await?;
    check(format!("a: {}1{}\n", "[".repeat(40), "]".repeat(40)), &["32"]).await?;
    let aliases = "*ten, ".repeat(9_000);
    check(format!("a: &ten [{}]\nb: [{aliases}]\n", "1, ".repeat(10)), &["100,000"]).await
}

#[tokio::test]
async fn invalid_value_in_the_file_is_rejected_with_its_line() -> Result<()> {
    for (lines, parts) in [
        (&["hosted_keys: OPENAI_API_KEY"][..], &["hosted_keys", "a list"][..]),
        (&["hosted_keys: [1]"], &["hosted_keys"]),
        (&["access_mode: sometimes"], &["access_mode", "read_and_write"]),
        (&["access_mode: [read_only]"], &["access_mode"]),
        (&["store_virtual_keys: perhaps"], &["store_virtual_keys"]),
        (&["km: text"], &["km"]),
        (&["km:", "  fallback: perhaps"], &["fallback", "on_missing"]),
        (&["km:", "  deadline: -5s"], &["deadline"]),
        (&["km:", "  max_stale: soon"], &["max_stale"]),
        (&["km:", "  danger_plaintext: perhaps"], &["danger_plaintext"]),
        (&["prefix_for_stored_virtual_keys: a/../b"], &["prefix_for_stored_virtual_keys"]),
        (&["access_mode: os.environ/NOT_SET_HERE"], &["NOT_SET_HERE", "not set"]),
    ] {
        check(settings(lines), parts).await?;
        check(settings(lines), &[":3"]).await.or(check(settings(lines), &[":4"]).await)?;
    }
    Ok(())
}

#[tokio::test]
async fn other_key_management_system_is_rejected() -> Result<()> {
    for (system, why) in [
        ("aws_secret_manager", "hashicorp_vault"),
        ("hashicorp", "hashicorp_vault"),
        ("[hashicorp_vault]", "must be text"),
        ("1", "must be text"),
    ] {
        let text = format!("general_settings:\n  key_management_system: {system}\n");
        check(text, &["key_management_system", why, ":2"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn store_virtual_keys_in_read_only_mode_is_rejected() -> Result<()> {
    let text = settings(&["store_virtual_keys: true", "access_mode: read_only"]);
    check(text, &["read_only", "store_virtual_keys", "contradict"]).await?;
    let stderr = rejected("settings", |km| {
        km.env("KM_STORE_VIRTUAL_KEYS", "true").env("KM_ACCESS_MODE", "read_only").args(["list"])
    })
    .await?;
    contains_all(&stderr, &["KM_ACCESS_MODE", "contradict"])
}

#[tokio::test]
async fn invalid_value_of_a_variable_is_rejected() -> Result<()> {
    for (name, value) in [
        ("HCP_VAULT_REFRESH_INTERVAL", "-1"),
        ("HCP_VAULT_REFRESH_INTERVAL", "often"),
        ("SECRET_MANAGER_REFRESH_INTERVAL", "-86400"),
        ("KM_DEADLINE", "0"),
        ("KM_DEADLINE", "-5s"),
        ("KM_DEADLINE", "5 parsecs"),
        ("KM_MAX_STALE", "-1h"),
        ("KM_FALLBACK", "sometimes"),
        ("KM_ACCESS_MODE", "read_write"),
        ("KM_STORE_VIRTUAL_KEYS", "perhaps"),
        ("KM_AUTH_METHOD", "password"),
        ("KM_AUTH_METHOD", "approle"),
        ("KM_TLS_SERVER_NAME", "no name"),
        ("HCP_VAULT_TOKEN", "two\nlines"),
    ] {
        let stderr =
            rejected("settings", |km| km.env_remove(name).env(name, value).args(["read", NAME]))
                .await?;
        contains_all(&stderr, &[name])?;
    }
    Ok(())
}

#[tokio::test]
async fn content_of_an_invalid_file_is_not_printed() -> Result<()> {
    // Any of these could be a secret in the wrong place. The harness fails a run whose output
    // contains a planted one.
    let planted = secret("value");
    for text in [
        format!("general_settings:\n  key_management_settings: {planted}\n"),
        format!("general_settings: {planted}\n"),
        format!("{planted}: [\n"),
        format!("- {planted}\n"),
    ] {
        let (_directory, path) = file(text)?;
        let km = crate::cli::common::km_against("http://127.0.0.1:1").env("KM_CONFIG", &path);
        let output = km.args(["list", "--log", "trace"]).run().await?;
        assert!(output.code == 2 || output.code == 4, "{}: {}", output.code, output.stderr);
    }
    Ok(())
}
