//! The environment of the program.

use anyhow::Result;
use serde_json::json;
use testkit::{Server, secret};

use super::{exec_with_references, fails_before_start, print_variables, shell};
use crate::cli::common::{contains_all, file, km_against};
use crate::cli::listener::{Reply, Scripted};

#[tokio::test]
async fn each_reference_of_the_file_becomes_a_variable() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (one, two, three) =
        (secret("one"), format!(" {}\n\t'\"$é", secret("two")), secret("three"));
    fixture.put("ONE", json!({ "key": one })).await?;
    fixture.put("TWO", json!({ "key": two })).await?;
    fixture.put("COMMENT", json!({ "key": "c" })).await?;
    fixture.put("MIDDLE", json!({ "key": "m" })).await?;
    let (_directory, config) = file(concat!(
        "model_list:\n",
        "  - litellm_params: { api_key: os.environ/ONE }\n",
        "  - litellm_params: { api_key: os.environ/ONE }\n",
        "keys: [os.environ/TWO, \"os.environ/THREE\", os.environ/oidc/google/audience]\n",
        "# os.environ/COMMENT\n",
        "text: not os.environ/MIDDLE\n",
    ))?;
    let km = fixture.km().env("THREE", &three).args(["exec", "--config"]).args([&config]);
    let output = km.args(shell("/usr/bin/env -0")).run().await?.expect(0)?;
    let mut variables: Vec<_> = output.text()?.split_terminator('\0').collect();
    variables.retain(|line| !line.starts_with("PWD=") && !line.starts_with('_'));
    variables.sort_unstable();
    let mut expected = [format!("ONE={one}"), format!("TWO={two}"), format!("THREE={three}")];
    expected.sort_unstable();
    let shell_only = variables.iter().filter(|line| !line.starts_with("SHLVL=")).copied();
    assert!(shell_only.eq(expected.iter().map(String::as_str)), "{} variables", variables.len());
    Ok(())
}

#[tokio::test]
async fn only_option_replaces_the_references_of_the_file() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let value = secret("value");
    fixture.put("ONE", json!({ "key": "file" })).await?;
    fixture.put("OTHER", json!({ "key": value })).await?;
    let (_directory, km) = exec_with_references(&fixture, &["ONE", "ABSENT"])?;
    let km = km.args(["--only", "OTHER", "--only", "os.environ/OTHER"]);
    let output = km.args(print_variables(&["OTHER", "ONE"])).run().await?.expect(0)?;
    assert_eq!(output.text()?, format!("{value}\n\n"));
    Ok(())
}

#[tokio::test]
async fn value_in_vault_overrides_the_inherited_variable() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let value = secret("value");
    fixture.put("ONE", json!({ "key": value })).await?;
    let (_directory, km) = exec_with_references(&fixture, &["ONE"])?;
    let km = km.env("ONE", "old").env("OTHER", "stays").args(print_variables(&["ONE", "OTHER"]));
    assert_eq!(km.run().await?.expect(0)?.text()?, format!("{value}\nstays\n"));
    Ok(())
}

const CREDENTIALS: [&str; 9] = [
    "BAO_TOKEN",
    "HCP_VAULT_ADDR",
    "HCP_VAULT_APPROLE_SECRET_ID",
    "HCP_VAULT_MADE_UP",
    "HCP_VAULT_MOUNT_NAME",
    "KM_JWT_FILE",
    "KM_TOKEN_FILE",
    "KM_USERPASS_PASSWORD_FILE",
    "VAULT_TOKEN",
];

#[tokio::test]
async fn credentials_are_removed_unless_kept_by_option() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("VAULT_TOKEN", json!({ "key": "of Vault" })).await?;
    let (_directory, config) = file("key: os.environ/VAULT_TOKEN\n")?;
    for (option, removed) in [(None, true), (Some("--keep-credentials"), false)] {
        let km = CREDENTIALS.iter().fold(fixture.km(), |km, name| match *name {
            "HCP_VAULT_ADDR" | "HCP_VAULT_APPROLE_SECRET_ID" | "HCP_VAULT_MOUNT_NAME" => km,
            name => km.env(name, "/nonexistent"),
        });
        let km = km.env("KM_AUTH_METHOD", "approle").env("KM_ACCESS_MODE", "read_only");
        let km = km.args(["exec", "--config"]).args([&config]).args(option);
        let output = km.args(shell("/usr/bin/env")).run().await?.expect(0)?;
        let has = |name: &str| {
            output.text().map(|text| text.lines().any(|line| line.starts_with(&format!("{name}="))))
        };
        for name in CREDENTIALS {
            assert_eq!(has(name)?, !removed, "{name} with {option:?}");
        }
        assert!(has("KM_ACCESS_MODE")?, "a plain setting was removed");
        assert_eq!(output.text()?.contains("VAULT_TOKEN=of Vault"), !removed);
    }
    Ok(())
}

/// A provider would reject such a value. The program receives the stored bytes unchanged.
#[tokio::test]
async fn suspicious_value_is_passed_with_a_warning() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let plain = secret("plain");
    fixture.put("PLAIN", json!({ "key": plain })).await?;
    for (value, warning) in [
        (format!("{plain}\n"), "newline"),
        (format!(" {plain}"), "white space"),
        (format!("\"{plain}\""), "quotes"),
        (format!("\u{feff}{plain}"), "byte order mark"),
        (format!("os.environ/{plain}"), "os.environ/"),
    ] {
        fixture.put("ODD", json!({ "key": value })).await?;
        let km = fixture.km().args(["exec", "--only=ODD", "--only=PLAIN"]);
        let output = km.args(shell("printf %s \"$ODD\"")).run().await?.expect(0)?;
        assert!(output.text()? == value, "{warning}: the bytes differ");
        contains_all(&output.stderr, &["WARN", "ODD", warning])?;
        assert!(!output.stderr.contains("PLAIN\""), "{}", output.stderr);
    }
    Ok(())
}

/// With and without `--keep-credentials`, the program gets the inherited value, and a missing one
/// does not fail with exit 6.
#[tokio::test]
async fn references_to_settings_missing_in_vault_are_skipped_with_a_warning() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (value, stored) = (secret("value"), secret("stored"));
    fixture.put("ONE", json!({ "key": value })).await?;
    fixture.put("KM_CONFIG", json!({ "key": stored })).await?;
    let names =
        ["ONE", "KM_CONFIG", "KM_ACCESS_MODE", "HCP_VAULT_ADDR", "VAULT_ADDR", "SSL_CERT_FILE"];
    for option in [None, Some("--keep-credentials")] {
        let (_directory, km) = exec_with_references(&fixture, &names)?;
        let km = km.env("VAULT_ADDR", "inherited").args(option);
        let shown = print_variables(&["ONE", "KM_CONFIG", "VAULT_ADDR", "SSL_CERT_FILE"]);
        let output = km.args(shown).run().await?.expect(0)?;
        assert_eq!(output.text()?, format!("{value}\n{stored}\ninherited\n\n"));
        for name in ["KM_ACCESS_MODE", "VAULT_ADDR", "SSL_CERT_FILE"] {
            let field = format!("name=\"{name}\"");
            let is_named = |line: &&str| line.contains("WARN") && line.contains(&field);
            assert_eq!(output.stderr.lines().filter(is_named).count(), 1, "{}", output.stderr);
        }
    }
    Ok(())
}

/// Only values from Vault need the flag. A value that the environment already has is harmless.
#[tokio::test]
async fn loader_variables_from_vault_require_the_danger_option() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for name in ["LD_PRELOAD", "PATH", "BASH_ENV", "BASH_FUNC_ls", "PYTHONPATH", "ENV"] {
        fixture.put(name, json!({ "key": "/nonexistent" })).await?;
        let km = || fixture.km().args(["exec", "--only", name]);
        let program = ["--", "/usr/bin/env"];
        let stderr = fails_before_start(km, &program, 2, "usage").await?;
        contains_all(&stderr, &[name, "--danger-env"])?;
        let other = km().args(["--danger-env=OTHER"]).args(program).run().await?;
        contains_all(&other.expect(2)?.stderr, &[name])?;
        let allowed = km().args(["--danger-env", name]).args(program).run().await?.expect(0)?;
        let variable = format!("{name}=/nonexistent");
        assert!(allowed.text()?.lines().any(|line| line == variable), "{name}");
    }
    let km = fixture.km().env("PYTHONSTARTUP", "mine").args(["exec", "--only=PYTHONSTARTUP"]);
    let output = km.args(print_variables(&["PYTHONSTARTUP"])).run().await?.expect(0)?;
    assert_eq!(output.text()?, "mine\n");
    Ok(())
}

/// The requests are sent concurrently: none is answered before all have arrived.
#[tokio::test]
async fn sixty_four_names_are_read_concurrently() -> Result<()> {
    let metadata = json!({ "version": 1, "created_time": "2026-01-01T00:00:00Z",
        "deletion_time": "", "destroyed": false, "custom_metadata": null });
    let body = json!({ "data": { "data": { "key": "v" }, "metadata": metadata } });
    let server = Scripted::new(move |_| Reply::Later(200, body.clone()))?;
    let km = km_against(&server.address()).env("KM_DEADLINE", "60s").args(["exec"]);
    let names = (0..100).map(|number| format!("--only=NAME_{number}"));
    let running = km.args(names).args(print_variables(&["NAME_0", "NAME_99"])).start().await?;
    server.wait_for_request_after("GET /v1/secret/data/", 63).await?;
    server.release();
    assert_eq!(running.finish().await?.expect(0)?.text()?, "v\nv\n");
    assert_eq!(server.requests().len(), 100);
    Ok(())
}
