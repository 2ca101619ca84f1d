//! `km export`: each format, the names that are exported, and what is refused.

use std::collections::BTreeMap;
use std::fs::File;

use anyhow::{Context as _, Result};
use serde_json::json;
use testkit::{Fixture, Km, Server, secret};
use tokio::process::Command;

use crate::cli::common::{contains_all, fails, file, rejected};
use crate::cli::program::with_stdout_file;

/// Values that a careless writer of one of the formats would change, or that a shell would execute.
const HOSTILE: [&str; 12] = [
    "plain",
    "",
    " blanks ",
    "'; touch /nonexistent/a; '",
    "$(exit 1) `exit 1` $HOME !!",
    "\"double\" \\back \\n",
    "it's \\ \"all\"",
    "line\nline\n",
    "a\r\nb",
    "# a=b",
    "clé 🔑 \u{202e}",
    "EOF\nEOF\nINJECTED=1\n",
];

/// Stores the hostile values, and returns the names with the values.
async fn store_hostile(fixture: &Fixture) -> Result<BTreeMap<String, String>> {
    let mut stored = BTreeMap::new();
    for (at, value) in HOSTILE.into_iter().enumerate() {
        let name = format!("NAME_{at}");
        fixture.put(&name, json!({ "key": value })).await?;
        stored.insert(name, value.to_owned());
    }
    Ok(stored)
}

fn export(fixture: &Fixture, format: &str, names: impl IntoIterator<Item = impl AsRef<str>>) -> Km {
    let only = names.into_iter().map(|name| format!("--only={}", name.as_ref()));
    fixture.km().args(["export", "--format", format]).args(only)
}

#[tokio::test]
async fn each_reference_of_the_file_is_exported() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "1" })).await?;
    fixture.put("VAULT_TOKEN", json!({ "key": "of Vault" })).await?;
    let (_directory, config) = file(concat!(
        "keys: [os.environ/ONE, os.environ/TWO, os.environ/ONE, os.environ/oidc/google/audience]\n",
        "others: [os.environ/VAULT_TOKEN, os.environ/KM_LOG]\n",
    ))?;
    let km = fixture.km().env("TWO", "2").env("KM_CONFIG", config);
    let output = km.args(["export"]).run().await?.expect(0)?;
    assert_eq!(output.text()?, "ONE='1'\nTWO='2'\n");
    for name in ["VAULT_TOKEN", "KM_LOG"] {
        contains_all(&output.stderr, &["WARN", &format!("name=\"{name}\"")])?;
    }
    assert!(!output.stderr.contains("terminal"), "{}", output.stderr);
    Ok(())
}

/// The options bind variables like those of `km exec`.
#[tokio::test]
async fn variables_of_options_are_exported() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "1", "user": "u" })).await?;
    fixture.put("f/A", json!({ "key": "a" })).await?;
    let (_directory, config) = file("key: os.environ/ONE\n")?;
    for (options, expected) in [
        (&["--env=B=ONE#user", "--env=C=ONE"][..], "B='u'\nC='1'\n"),
        (&["--all-under=f"], "A='a'\n"),
        (&["--also=TWO", "--env=B=f/A"], "ONE='1'\nTWO='2'\nB='a'\n"),
    ] {
        let km = fixture.km().env("TWO", "2").env("KM_CONFIG", &config);
        let output = km.args(["export"]).args(options).run().await?.expect(0)?;
        assert_eq!(output.text()?, expected, "{options:?}");
    }
    let refused = || fixture.km().args(["export", "--format=shell", "--env=PROMPT_COMMAND=ONE"]);
    contains_all(&fails(refused, 2, "usage").await?, &["PROMPT_COMMAND", "--danger-env"])?;
    let twice = || fixture.km().args(["export", "--env=A=ONE", "--all-under=f"]);
    contains_all(&fails(twice, 2, "usage").await?, &["set A:", "ONE", "f/A"])
}

#[tokio::test]
async fn hostile_values_pass_a_shell_unchanged() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let stored = store_hostile(&fixture).await?;
    let output = export(&fixture, "shell", stored.keys()).run().await?.expect(0)?;
    let names: Vec<_> = stored.keys().map(|name| format!("\"${name}\"")).collect();
    let script = format!("eval \"$0\"; printf '%s\\0' {}", names.join(" "));
    let shell = Command::new("sh").args(["-c", &script, output.text()?]).output().await?;
    assert!(shell.status.success() && shell.stderr.is_empty(), "{shell:?}");
    let text = String::from_utf8(shell.stdout)?;
    let values: Vec<_> = text.split_terminator('\0').collect();
    assert!(values.iter().eq(stored.values()), "{values:?}");
    Ok(())
}

#[tokio::test]
async fn hostile_values_are_members_of_a_json_object() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let stored = store_hostile(&fixture).await?;
    fixture.put("folder/NAME-1", json!({ "key": "in a folder" })).await?;
    let names = stored.keys().map(String::as_str).chain(["folder/NAME-1"]);
    let output = export(&fixture, "json", names.clone()).run().await?.expect(0)?;
    let expected: BTreeMap<_, _> = stored
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain([("folder/NAME-1", "in a folder")])
        .collect();
    assert_eq!(serde_json::from_slice::<BTreeMap<String, String>>(&output.stdout)?, {
        expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    });
    let only = names.map(|name| format!("--only={name}"));
    let short = fixture.km().args(["export", "--json"]).args(only).run().await?.expect(0)?;
    assert_eq!(short.stdout, output.stdout);
    Ok(())
}

/// Parses the file of `GITHUB_ENV` like the runner of GitHub Actions.
fn parse_github(file: &str) -> Result<BTreeMap<String, String>> {
    let (mut variables, mut lines) = (BTreeMap::new(), file.split('\n'));
    while let Some(line) = lines.next() {
        if !line.is_empty() {
            let (name, delimiter) = line.split_once("<<").context("an invalid line")?;
            let value: Vec<_> = lines.by_ref().take_while(|line| *line != delimiter).collect();
            variables.insert(name.to_owned(), value.join("\n"));
        }
    }
    Ok(variables)
}

#[tokio::test]
async fn github_step_prints_masks_and_appends_variables_to_its_file() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let stored = store_hostile(&fixture).await?;
    // The last line of another program has no line ending.
    let (_directory, path) = file("BEFORE<<EOF\nvalue\nEOF")?;
    let km = export(&fixture, "github", stored.keys()).env("GITHUB_ENV", &path);
    let output = km.run().await?.expect(0)?;
    let mut expected = stored.clone();
    expected.insert("BEFORE".to_owned(), "value".to_owned());
    assert_eq!(parse_github(&std::fs::read_to_string(&path)?)?, expected);
    let masks: Vec<_> = output.text()?.lines().collect();
    assert!(masks.iter().all(|mask| mask.starts_with("::add-mask::")), "{masks:?}");
    let lines = stored.values().flat_map(|value| value.split(['\r', '\n']));
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    let unescaped = masks.iter().map(|mask| mask.replacen("::add-mask::", "", 1));
    assert!(unescaped.eq(lines), "{masks:?}");
    Ok(())
}

#[tokio::test]
async fn outside_github_actions_both_are_printed_and_the_masks_come_first() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("A", json!({ "key": "one\n100%" })).await?;
    fixture.put("B", json!({ "key": "two" })).await?;
    let output = export(&fixture, "github", ["A", "B"]).run().await?.expect(0)?;
    let masks = "::add-mask::one\n::add-mask::100%25\n::add-mask::two\n";
    let variables = output.text()?.strip_prefix(masks).context("no masks")?;
    let expected = [("A", "one\n100%"), ("B", "two")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(parse_github(variables)?, expected.into());
    Ok(())
}

/// The runner logs an invalid line of its file, so that a mask there would display the value.
#[tokio::test]
async fn stdout_that_is_the_file_of_github_env_is_rejected() -> Result<()> {
    let (_directory, path) = file("")?;
    let name = path.to_string_lossy();
    let environment = [("HCP_VAULT_TOKEN", "t"), ("GITHUB_ENV", name.as_ref())];
    let arguments = ["export", "--format=github", "--only=A"];
    let stdout = File::options().append(true).open(&path)?;
    let (code, stderr) = with_stdout_file(stdout, &arguments, &environment).await?;
    assert_eq!(code, 2, "{stderr}");
    contains_all(&stderr, &["km: ", "GITHUB_ENV", "hint: do not redirect"])?;
    assert_eq!(std::fs::read(&path)?, b"");
    Ok(())
}

#[tokio::test]
async fn missing_file_of_github_env_is_exit_2() -> Result<()> {
    let stderr = rejected("usage", |km| {
        let km = km.env("GITHUB_ENV", "/nonexistent/file");
        km.args(["export", "--format=github", "--only=A"])
    })
    .await?;
    contains_all(&stderr, &["GITHUB_ENV", "No such file"])
}

#[tokio::test]
async fn names_that_a_format_cannot_hold_are_rejected_together() -> Result<()> {
    for (format, names, why) in [
        ("dotenv", &["A-B", "folder/A", "1A", "A.B"][..], "not the name of a variable"),
        ("shell", &["A;B", "A B"], "not the name of a variable"),
        ("github", &["A<<B", "A-B"], "not the name of a variable"),
        ("github", &["GITHUB_TOKEN", "RUNNER_OS", "NODE_OPTIONS"], "does not allow"),
        ("shell", &["PROMPT_COMMAND", "PS1"], "executes"),
    ] {
        let only = names.iter().map(|name| format!("--only={name}"));
        let arguments: Vec<_> =
            ["export", "--format", format].map(str::to_owned).into_iter().chain(only).collect();
        let stderr = rejected("usage", |km| km.args(&arguments)).await?;
        for name in names {
            contains_all(&stderr, &[&format!("km: export {name}: "), why])?;
        }
    }
    let allowed = ["export", "--format=shell", "--only=PS1", "--danger-env=PS1"];
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("PS1", json!({ "key": "$ " })).await?;
    let output = fixture.km().args(allowed).run().await?.expect(0)?;
    assert_eq!(output.text()?, "export PS1='$ '\n");
    Ok(())
}

#[tokio::test]
async fn refusals_are_those_of_exec_and_nothing_is_printed() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("A", json!({ "key": secret("value") })).await?;
    fixture.put("NUL", json!({ "key": "a\0b" })).await?;
    fixture.put("LARGE", json!({ "key": "a".repeat(128 * 1024) })).await?;
    fixture.put("LD_PRELOAD", json!({ "key": "/nonexistent" })).await?;
    fixture.put("PYTHONPATH", json!({ "key": "/nonexistent" })).await?;
    for format in ["dotenv", "shell", "json", "github"] {
        for (name, code, kind) in [
            ("ABSENT", 6, "not_found"),
            ("NUL", 8, "stored_value"),
            ("LARGE", 8, "stored_value"),
            ("LD_PRELOAD", 2, "usage"),
            ("PYTHONPATH", 2, "usage"),
        ] {
            let stderr = fails(|| export(&fixture, format, ["A", name]), code, kind).await?;
            contains_all(&stderr, &[name])?;
        }
    }
    let km = export(&fixture, "json", ["A", "ABSENT"]).args(["--allow-missing"]);
    let output = km.run().await?.expect(0)?;
    contains_all(&output.stderr, &["WARN", "ABSENT"])?;
    assert_eq!(output.text()?.matches('"').count(), 4, "one member");
    Ok(())
}

#[tokio::test]
async fn value_that_python_dotenv_would_change_is_exit_8() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for value in [format!("{}${{HOME}}", secret("value")), format!("{}\\", secret("value"))] {
        fixture.put("A", json!({ "key": value })).await?;
        let stderr = fails(|| export(&fixture, "dotenv", ["A"]), 8, "stored_value").await?;
        contains_all(&stderr, &["km: export A: ", "--format"])?;
        let output = export(&fixture, "json", ["A"]).run().await?.expect(0)?;
        assert_eq!(output.text()?, json!({ "A": value }).to_string() + "\n");
    }
    Ok(())
}

#[tokio::test]
async fn trace_log_of_an_export_contains_no_value() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("A", json!({ "key": secret("value") })).await?;
    for format in ["dotenv", "shell", "json", "github"] {
        // A run fails if stderr contains a planted secret.
        export(&fixture, format, ["A"]).env("KM_LOG", "trace").run().await?.expect(0)?;
    }
    Ok(())
}

#[tokio::test]
async fn configuration_without_references_exports_nothing_with_a_warning() -> Result<()> {
    for (arguments, expected) in [(&["export"][..], ""), (&["export", "--json"], "{}\n")] {
        let km = Km::new().env("HCP_VAULT_TOKEN", "t").args(arguments);
        let output = km.run().await?.expect(0)?;
        assert_eq!(output.text()?, expected);
        contains_all(&output.stderr, &["WARN", "nothing to export"])?;
    }
    Ok(())
}
