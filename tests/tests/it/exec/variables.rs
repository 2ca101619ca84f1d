//! Which variables the program gets: `--env`, `--also` and `--all-under`.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use anyhow::{Result, ensure};
use serde_json::json;
use testkit::{Fixture, FixtureSpec, Server, secret};

use super::{exec_with_references, fails_before_start, print_variables, shell};
use crate::cli::common::{contains_all, km_against};
use crate::cli::listener::{Reply, Scripted, Silent};

/// Runs `km exec` with these options and a configuration that references `REFERENCED`, which exists.
/// The program must get exactly these variables of those that are named here.
async fn check(fixture: &Fixture, options: &[&str], expected: &[(&str, &str)]) -> Result<()> {
    const SHOWN: [&str; 6] = ["REFERENCED", "ONE", "A", "B", "C", "X"];
    let (_directory, km) = exec_with_references(fixture, &["REFERENCED"])?;
    let lines: Vec<_> =
        SHOWN.iter().map(|name| format!("echo \"{name}=${{{name}-unset}}\"")).collect();
    let output = km.args(options).args(shell(&lines.join("\n"))).run().await?.expect(0)?;
    let text = output.text()?;
    let set: Vec<_> = text.lines().filter(|line| !line.ends_with("=unset")).collect();
    let expected: Vec<_> = expected.iter().map(|(name, value)| format!("{name}={value}")).collect();
    ensure!(set == expected, "{options:?}: {set:?}");
    Ok(())
}

async fn fixture() -> Result<Fixture> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("REFERENCED", json!({ "key": "r" })).await?;
    fixture.put("ONE", json!({ "key": "1", "user": "u", "a#b": "hash" })).await?;
    for (name, value) in [("f/A", "a"), ("f/g/B", "b"), ("f/g/h/C", "c"), ("fA", "beside")] {
        fixture.put(name, json!({ "key": value })).await?;
    }
    Ok(fixture)
}

#[tokio::test]
async fn env_option_sets_variables_from_names_and_fields_instead_of_references() -> Result<()> {
    let fixture = fixture().await?;
    let options = ["--env=A=ONE", "--env=B=ONE#user", "--env=C=os.environ/f/A"];
    check(&fixture, &options, &[("A", "1"), ("B", "u"), ("C", "a")]).await?;
    check(&fixture, &["--env=A=ONE#key", "--env=A=ONE#key"], &[("A", "1")]).await?;
    check(&fixture, &["--only=ONE", "--env=A=f/A"], &[("ONE", "1"), ("A", "a")]).await
}

#[tokio::test]
async fn also_option_adds_to_the_references_of_the_file() -> Result<()> {
    let fixture = fixture().await?;
    let added = [("REFERENCED", "r"), ("ONE", "1")];
    check(&fixture, &["--also=ONE", "--also=REFERENCED"], &added).await?;
    let options = ["--also=os.environ/ONE", "--env=X=f/A", "--all-under=f/g/h"];
    let all = [("REFERENCED", "r"), ("ONE", "1"), ("C", "c"), ("X", "a")];
    check(&fixture, &options, &all).await
}

#[tokio::test]
async fn all_under_option_sets_every_live_secret_by_its_last_segment() -> Result<()> {
    let fixture = fixture().await?;
    for prefix in ["f", "/f/"] {
        let options = ["--all-under", prefix];
        check(&fixture, &options, &[("A", "a"), ("B", "b"), ("C", "c")]).await?;
    }
    fixture.server().must("DELETE", &format!("{}/data/f/A", fixture.mount), None).await?;
    check(&fixture, &["--all-under=f"], &[("B", "b"), ("C", "c")]).await?;
    let (_directory, km) = exec_with_references(&fixture, &["REFERENCED"])?;
    let km = km.args(["--all-under=nowhere"]).args(shell("true"));
    contains_all(&km.run().await?.expect(0)?.stderr, &["WARN", "nowhere"])
}

/// Without the right to read metadata, deleted secrets are only found when they are read.
#[tokio::test]
async fn all_under_option_omits_deleted_secrets_that_a_listing_contains() -> Result<()> {
    let policy = |mount: &str| {
        format!(
            "path \"{mount}/data/*\" {{ capabilities = [\"read\"] }}
             path \"{mount}/metadata/*\" {{ capabilities = [\"list\"] }}"
        )
    };
    let spec = FixtureSpec { policy: Some(policy), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    for name in ["f/A", "f/B"] {
        fixture.put(name, json!({ "key": "v" })).await?;
    }
    fixture.server().must("DELETE", &format!("{}/data/f/A", fixture.mount), None).await?;
    check(&fixture, &["--all-under=f"], &[("B", "v")]).await
}

#[tokio::test]
async fn all_under_option_does_not_read_virtual_keys() -> Result<()> {
    let fixture = fixture().await?;
    for name in ["litellm/A", "f/litellm/X"] {
        fixture.put(name, json!({ "key": secret("virtual") })).await?;
    }
    check(&fixture, &["--all-under=litellm"], &[]).await?;
    let all = [("REFERENCED", "r"), ("ONE", "1"), ("A", "a"), ("B", "b"), ("C", "c")];
    check(&fixture, &["--all-under=/"], &all).await
}

#[tokio::test]
async fn all_under_option_is_limited_to_hosted_keys_and_needs_reads() -> Result<()> {
    let fixture = fixture().await?;
    let km = || fixture.km().args(["exec", "--all-under=f"]);
    let hosted = km().env("KM_HOSTED_KEYS", "f/A,ONE").args(print_variables(&["A", "B"]));
    assert_eq!(hosted.run().await?.expect(0)?.text()?, "a\n\n");
    let write_only = || km().env("KM_ACCESS_MODE", "write_only");
    let stderr = fails_before_start(write_only, &shell("true"), 5, "denied").await?;
    contains_all(&stderr, &["list f", "write_only"])
}

#[tokio::test]
async fn invalid_or_ambiguous_variables_are_rejected_before_a_request() -> Result<()> {
    let silent = Silent::new()?;
    for (options, parts) in [
        (&["--env=ONE"][..], &["--env", "VAR=NAME"][..]),
        (&["--env=1A=ONE"], &["--env", "VAR"]),
        (&["--env=A-B=ONE"], &["--env", "VAR"]),
        (&["--env=A="], &["--env", "NAME"]),
        (&["--env=A=ONE#"], &["--env", "FIELD"]),
        (&["--env=A=oidc/x"], &["oidc/"]),
        (&["--env=A=ONE", "--env=A=TWO"], &["set A:", "ONE", "TWO"]),
        (&["--env=A=ONE", "--env=A=ONE#user"], &["set A:", "ONE#user"]),
        (&["--only=A", "--env=A=ONE"], &["set A:", "ONE"]),
        (&["--only=A=B", "--env=C=ONE", "--env=C=TWO"], &["set A=B:", "set C:"]),
        (&["--env=A=../ONE"], &["../ONE"]),
        (&["--only=ONE", "--also=TWO"], &["--only", "--also"]),
        (&["--all-under="], &["--all-under"]),
    ] {
        let km = || km_against(&silent.address()).args(["exec"]).args(options);
        contains_all(&fails_before_start(km, &shell("true"), 2, "usage").await?, parts)?;
    }
    assert_eq!(silent.connections()?, 0, "a request was sent");
    Ok(())
}

#[tokio::test]
async fn invalid_value_of_an_option_is_not_quoted() -> Result<()> {
    let km = || km_against("http://127.0.0.1:1").args(["exec", "--env", &secret("value")]);
    fails_before_start(km, &shell("true"), 2, "usage").await.map(drop)
}

#[tokio::test]
async fn all_under_option_refuses_invalid_and_ambiguous_variables() -> Result<()> {
    let fixture = fixture().await?;
    fixture.put("f/g/A", json!({ "key": "v" })).await?;
    for (name, value) in [("bad/not-one", "v"), ("bad/1X", "v"), ("bad/FINE", "v")] {
        fixture.put(name, json!({ "key": value })).await?;
    }
    for (options, parts) in [
        (&["--all-under=f"][..], &["set A:", "f/A", "f/g/A"][..]),
        (&["--all-under=f/g/h", "--env=C=ONE"], &["set C:", "ONE", "f/g/h/C"]),
        (&["--all-under=bad"], &["set not-one:", "bad/not-one", "set 1X:"]),
    ] {
        let km = || fixture.km().args(["exec"]).args(options);
        let stderr = fails_before_start(km, &shell("true"), 2, "usage").await?;
        contains_all(&stderr, parts)?;
        assert!(!stderr.contains("FINE"), "{stderr}");
    }
    Ok(())
}

/// The variable decides, not the name of the secret.
#[tokio::test]
async fn loader_variable_requires_the_danger_option_however_it_is_bound() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for name in ["ONE", "f/BASH_ENV", "LD_PRELOAD"] {
        fixture.put(name, json!({ "key": "/nonexistent" })).await?;
    }
    for (option, variable) in
        [("--env=PYTHONPATH=ONE", "PYTHONPATH"), ("--all-under=f", "BASH_ENV")]
    {
        let km = || fixture.km().args(["exec", option, "--danger-env=ONE"]);
        let stderr = fails_before_start(km, &shell("true"), 2, "usage").await?;
        contains_all(&stderr, &[variable, "--danger-env"])?;
        let km = km().args(["--danger-env", variable]).args(print_variables(&[variable]));
        assert_eq!(km.run().await?.expect(0)?.text()?, "/nonexistent\n");
    }
    let km = fixture.km().args(["exec", "--env=HARMLESS=LD_PRELOAD"]);
    let output = km.args(print_variables(&["HARMLESS"])).run().await?.expect(0)?;
    assert_eq!(output.text()?, "/nonexistent\n");
    Ok(())
}

#[tokio::test]
async fn credential_variable_is_skipped_unless_credentials_are_kept() -> Result<()> {
    let fixture = fixture().await?;
    for (option, expected) in [(None, "\n"), (Some("--keep-credentials"), "1\n")] {
        let km = fixture.km().args(["exec", "--env=VAULT_TOKEN=ONE"]).args(option);
        let output = km.args(print_variables(&["VAULT_TOKEN"])).run().await?.expect(0)?;
        assert_eq!(output.text()?, expected, "{option:?}");
        assert_eq!(output.stderr.contains("VAULT_TOKEN"), option.is_none(), "{}", output.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn missing_name_or_field_of_an_env_option_prevents_the_start() -> Result<()> {
    let fixture = fixture().await?;
    for (option, code, kind, part) in [
        ("--env=A=GONE", 6, "not_found", "read GONE"),
        ("--env=A=GONE#user", 6, "not_found", "read GONE"),
        // The environment has a setting of this name, which is not a secret.
        ("--env=A=HCP_VAULT_ADDR", 6, "not_found", "read HCP_VAULT_ADDR"),
        ("--env=A=ONE#absent", 8, "stored_value", "read ONE"),
        ("--env=A=litellm/alias", 5, "denied", "read litellm/alias"),
    ] {
        let km = || fixture.km().args(["exec", option]);
        let stderr = fails_before_start(km, &shell("true"), code, kind).await?;
        contains_all(&stderr, &[part])?;
    }
    check(&fixture, &["--env=A=GONE#user", "--env=B=ONE", "--allow-missing"], &[("B", "1")]).await
}

/// More variables than are read at a time, without a cache, so that the secret is loaded several
/// times. It is written after the first load.
#[tokio::test]
async fn variables_of_one_secret_are_of_one_version() -> Result<()> {
    let loads = AtomicUsize::new(0);
    let server = Scripted::new(move |_| {
        let version = (loads.fetch_add(1, Relaxed) + 1).min(2);
        let metadata = json!({ "version": version, "created_time": "2026-01-01T00:00:00Z",
            "deletion_time": "", "destroyed": false, "custom_metadata": null });
        let data = json!({ "user": format!("u{version}"), "key": format!("k{version}") });
        Reply::Json(200, json!({ "data": { "data": data, "metadata": metadata } }))
    })?;
    let km = km_against(&server.address()).env("HCP_VAULT_REFRESH_INTERVAL", "0");
    let km = km.args(["exec", "--env=FIRST=ONE#user"]);
    let km = km.args((0..100).map(|number| format!("--env=V_{number}=ONE")));
    let output = km.args(print_variables(&["FIRST", "V_0", "V_99"])).run().await?.expect(0)?;
    assert_eq!(output.text()?, "u2\nk2\nk2\n");
    Ok(())
}
