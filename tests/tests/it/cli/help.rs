//! `--help` and `--version`: on stdout, exit 0, and help lists all settings.

use anyhow::Result;
use testkit::Km;

use super::common::contains_all;

/// The settings that the help of every command must list.
const SETTINGS: [&str; 12] = [
    "HCP_VAULT_ADDR",
    "HCP_VAULT_APPROLE_SECRET_ID",
    "HCP_VAULT_MOUNT_NAME",
    "HCP_VAULT_PATH_PREFIX",
    "HCP_VAULT_REFRESH_INTERVAL",
    "KM_ACCESS_MODE",
    "KM_CA_CERT",
    "KM_DANGER_PLAINTEXT",
    "KM_DEADLINE",
    "KM_FALLBACK",
    "KM_HOSTED_KEYS",
    "KM_TOKEN_FILE",
];

#[tokio::test]
async fn help_of_every_command_lists_the_settings() -> Result<()> {
    for command in [
        &[][..],
        &["check"],
        &["config"],
        &["completions"],
        &["read"],
        &["write"],
        &["delete"],
        &["history"],
        &["undelete"],
        &["destroy"],
        &["list"],
        &["rotate"],
        &["exec"],
        &["export"],
        &["import"],
        &["serve"],
        &["status"],
        &["sync"],
        &["key"],
        &["key", "store"],
        &["key", "read"],
        &["key", "list"],
        &["key", "rotate"],
        &["key", "rename"],
        &["key", "delete"],
        &["key", "history"],
        &["key", "undelete"],
        &["key", "destroy"],
    ] {
        let output = Km::new().args(command).args(["--help"]).run().await?.expect(0)?;
        let help = output.text()?;
        contains_all(help, &SETTINGS)?;
        contains_all(help, &["--config", "--log", "--json", "KM_CONFIG", "KM_LOG", "on_missing"])?;
        assert_eq!(output.stderr, "", "{command:?}");
        for line in help.lines() {
            assert!(!line.ends_with(' '), "{command:?}: white space at the end of {line:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn help_of_the_program_lists_its_commands() -> Result<()> {
    let output = Km::new().args(["--help"]).run().await?.expect(0)?;
    let commands = [
        "\n  check ",
        "\n  read ",
        "\n  write ",
        "\n  delete ",
        "\n  history ",
        "\n  undelete ",
        "\n  destroy ",
        "\n  list ",
        "\n  exec ",
        "\n  serve ",
        "\n  sync ",
    ];
    contains_all(output.text()?, &commands)
}

#[tokio::test]
async fn help_of_each_command_lists_its_options() -> Result<()> {
    for (command, options) in [
        ("read", &["--bool", "--explain", "--version", "--field"][..]),
        ("write", &["--description", "--cas", "--replace", "--raw", "--allow-empty", "stdin"]),
        ("history", &["--limit"]),
        ("undelete", &["--version", "newest deleted"]),
        ("destroy", &["--version", "cannot be undone"]),
        ("list", &["[PREFIX]"]),
        ("serve", &["--listen", "--token-file", "--danger-no-token", "--metrics"]),
        ("exec", &["--only", "--allow-missing", "--keep-credentials", "[-- <CMD>...]"]),
        ("exec", &["--env <VAR=NAME[#FIELD]>", "--all-under <PREFIX>", "--also", "--danger-env"]),
        ("exec", &["--pristine", "--dry-run", "--kill-signal", "--kill-timeout", "--splay"]),
        ("export", &["--env <VAR=NAME[#FIELD]>", "--all-under <PREFIX>", "--also", "--format"]),
        ("exec", &["--watch", "--on-change <restart|SIGNAL>", "HCP_VAULT_REFRESH_INTERVAL"]),
    ] {
        let output = Km::new().args([command, "--help"]).run().await?.expect(0)?;
        contains_all(output.text()?, options)?;
    }
    Ok(())
}

#[tokio::test]
async fn help_works_with_invalid_settings() -> Result<()> {
    let km = Km::new().env("HCP_VAULT_ADDR", "nonsense").env("KM_LOG", "===");
    km.args(["read", "--help"]).run().await?.expect(0).map(drop)
}

#[tokio::test]
async fn version_is_one_line() -> Result<()> {
    let output = Km::new().args(["--version"]).run().await?.expect(0)?;
    assert_eq!(output.text()?, concat!("km ", env!("CARGO_PKG_VERSION"), "\n"));
    Ok(())
}
