//! Exit 2: invalid arguments or settings. All of them are reported at once, and no request is sent.

use anyhow::Result;
use testkit::secret;

use crate::cli::common::{NAME, contains_all, fails, file, rejected};

#[tokio::test]
async fn invalid_arguments_are_exit_2_with_a_hint() -> Result<()> {
    for (arguments, why) in [
        (&[][..], "missing command"),
        (&["raed", NAME], "raed"),
        (&["read"], "NAME"),
        (&["write"], "NAME"),
        (&["delete"], "NAME"),
        (&["read", NAME, "second"], "unexpected argument"),
        (&["list", "a", "b"], "unexpected argument"),
        (&["check", "all"], "unexpected argument"),
        (&["read", NAME, "--value"], "--value"),
        (&["read", NAME, "--raw"], "--raw"),
        (&["write", NAME, "--cas"], "--cas"),
        (&["write", NAME, "--cas", "-1"], "usage"),
        (&["write", NAME, "--cas", "18446744073709551616"], "--cas"),
        (&["write", NAME, "--cas", "latest"], "--cas"),
        (&["write", NAME, "--description"], "--description"),
        (&["--config"], "--config"),
        (&["--log"], "--log"),
    ] {
        let stderr = rejected("usage", |km| km.args(arguments)).await?;
        contains_all(&stderr, &["km: usage: ", why, "hint: "])?;
        assert_eq!(stderr.lines().count(), 2, "a line and a hint: {stderr}");
    }
    Ok(())
}

#[tokio::test]
async fn misspelling_is_answered_with_the_nearest_word() -> Result<()> {
    for (arguments, hint) in [
        (&["raed", NAME][..], "did you mean `read`?"),
        (&["key", "rotat", "a"], "did you mean `rotate`?"),
        (&["read", NAME, "--explian"], "did you mean `--explain`?"),
        (&["--confg", "f", "list"], "did you mean `--config`?"),
        (&["exec", "--on-change", "SIGHUPP", "--watch", "--", "x"], "did you mean `SIGHUP`?"),
        (&["list", "--log-format", "jsn"], "did you mean `json`?"),
        // Nothing is similar.
        (&["read", NAME, "--xyzzy"], "hint: run `km --help`"),
    ] {
        let stderr = rejected("usage", |km| km.args(arguments)).await?;
        contains_all(&stderr, &["km: usage: ", hint, "run `km --help` for usage"])?;
        assert_eq!(stderr.lines().count(), 2, "a line and a hint: {stderr}");
    }
    Ok(())
}

#[tokio::test]
async fn invalid_value_is_answered_with_the_valid_ones_and_not_quoted() -> Result<()> {
    let planted = secret("value");
    for (arguments, valid) in [
        (&["list", "--log-format", &*planted][..], "text, json"),
        (&["exec", "--watch", "--on-change", &planted, "--", "x"], "restart, SIGHUP, SIGUSR1"),
        (&["completions", &planted], "bash, elvish, fish"),
    ] {
        let stderr = rejected("usage", |km| km.args(arguments)).await?;
        contains_all(&stderr, &["invalid value for", valid])?;
    }
    // A secret in the place of a command, an option or an argument.
    for arguments in [
        &[&*planted][..],
        &["read", NAME, &planted],
        &["read", NAME, &format!("--value={planted}")],
        &["write", NAME, "--raww", &planted],
    ] {
        rejected("usage", |km| km.args(arguments)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn cas_beyond_63_bits_is_rejected() -> Result<()> {
    // Vault counts versions in 63 bits, so a larger number is rejected locally.
    let largest = u64::MAX.to_string();
    let cas = |km: testkit::Km| km.env("KM_ACCESS_MODE", "write_only").args(["--cas", &largest]);
    rejected("usage", |km| cas(km.args(["write", NAME])).stdin("value")).await.map(drop)
}

#[tokio::test]
async fn invalid_log_filter_is_rejected() -> Result<()> {
    for filter in ["=", "a=b=c", "km=loud"] {
        let stderr = rejected("usage", |km| km.args(["read", NAME, "--log", filter])).await?;
        contains_all(&stderr, &["--log", "KM_LOG"])?;
        rejected("usage", |km| km.env("KM_LOG", filter).args(["list"])).await?;
    }
    Ok(())
}

#[tokio::test]
async fn team_settings_are_rejected_outside_key_commands() -> Result<()> {
    let (_directory, path) = file("{}")?;
    let from_file = format!("@{}", path.display());
    for arguments in
        [&["check"][..], &["read", NAME], &["write", NAME], &["delete", NAME], &["list"]]
    {
        for team in ["{}", r#"{"mount":"kv"}"#, from_file.as_str()] {
            let km = |km: testkit::Km| km.args(["--team-settings", team]).args(arguments);
            let stderr = rejected("usage", |it| km(it).stdin("value")).await?;
            contains_all(&stderr, &["--team-settings"])?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn all_invalid_settings_are_reported_at_once() -> Result<()> {
    let (_directory, yaml) = file(
        "general_settings:\n  key_management_settings:\n    access_mode: sometimes\n    \
         hosted_keys: OPENAI_API_KEY\n    km:\n      max_stale: forever\n",
    )?;
    let stderr = rejected("settings", |km| {
        km.env("KM_CONFIG", &yaml)
            .env_remove("HCP_VAULT_MOUNT_NAME")
            .env("HCP_VAULT_MOUNT_NAME", "kv/../sys")
            .env("HCP_VAULT_REFRESH_INTERVAL", "-1")
            .env("KM_FALLBACK", "perhaps")
            .env("KM_DEADLINE", "soon")
            .args(["read", NAME])
    })
    .await?;
    let names = [
        "access_mode",
        "hosted_keys",
        "max_stale",
        "HCP_VAULT_MOUNT_NAME",
        "HCP_VAULT_REFRESH_INTERVAL",
        "KM_FALLBACK",
        "KM_DEADLINE",
    ];
    for name in names {
        let reported =
            stderr.lines().filter(|line| line.starts_with("km: ") && line.contains(name));
        assert_eq!(reported.count(), 1, "{name}: {stderr}");
    }
    assert_eq!(stderr.lines().filter(|line| line.starts_with("hint: ")).count(), names.len());
    Ok(())
}

#[tokio::test]
async fn all_unreadable_files_are_reported_at_once() -> Result<()> {
    let missing = ["/nonexistent/ca.pem", "/nonexistent/client.pem", "/nonexistent/client.key"];
    let stderr = rejected("settings", |km| {
        km.env("KM_CA_CERT", missing[0])
            .env("HCP_VAULT_CLIENT_CERT", missing[1])
            .env("HCP_VAULT_CLIENT_KEY", missing[2])
            .args(["read", NAME])
    })
    .await?;
    contains_all(&stderr, &missing)
}

#[tokio::test]
async fn unreadable_files_are_reported_with_other_invalid_settings() -> Result<()> {
    let stderr = rejected("settings", |km| {
        km.env("KM_FALLBACK", "perhaps")
            .env("KM_CA_CERT", "/nonexistent/ca.pem")
            .env_remove("HCP_VAULT_TOKEN")
            .env("KM_TOKEN_FILE", "/nonexistent/token")
            .args(["read", NAME])
    })
    .await?;
    contains_all(&stderr, &["KM_FALLBACK", "/nonexistent/ca.pem", "/nonexistent/token"])
}

#[tokio::test]
async fn missing_credentials_name_every_login_method() -> Result<()> {
    let stderr = rejected("settings", |km| km.env_remove("HCP_VAULT_TOKEN").args(["list"])).await?;
    contains_all(
        &stderr,
        &[
            "HCP_VAULT_APPROLE_ROLE_ID",
            "HCP_VAULT_APPROLE_SECRET_ID",
            "HCP_VAULT_CLIENT_CERT",
            "HCP_VAULT_CLIENT_KEY",
            "HCP_VAULT_TOKEN",
        ],
    )?;
    let half = |km: testkit::Km| km.env_remove("HCP_VAULT_TOKEN").env("HCP_VAULT_CLIENT_CERT", "a");
    let stderr = rejected("settings", |km| half(km).args(["list"])).await?;
    contains_all(&stderr, &["HCP_VAULT_CLIENT_KEY is not"])
}

#[tokio::test]
async fn oidc_reference_is_rejected_as_the_gateways() -> Result<()> {
    for name in ["oidc/google/audience", "os.environ/oidc/google/audience"] {
        for flag in [&[][..], &["--bool"], &["--explain"]] {
            let stderr = rejected("usage", |km| km.args(["read", name]).args(flag)).await?;
            contains_all(&stderr, &["oidc/", "the gateway, which resolves it itself"])?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn json_option_applies_to_errors_in_any_position() -> Result<()> {
    for arguments in [&["read", "--json"][..], &["--json"], &["unknown", "--json"]] {
        let km = testkit::Km::new().args(arguments);
        crate::cli::common::fails_as_json(km, 2, "usage").await?;
    }
    // An argument that looks like the option may be a name.
    let stderr = fails(|| testkit::Km::new().args(["read", "a", "--", "b"]), 2, "usage").await?;
    contains_all(&stderr, &["unexpected argument"])
}
