//! `km completions`: the script of each shell, and usage errors.

use anyhow::Result;
use serde_json::Value;
use testkit::Km;

use super::common::{contains_all, fails};

#[tokio::test]
async fn script_of_each_shell_completes_every_command() -> Result<()> {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        // No setting is read.
        let km = || Km::new().env("HCP_VAULT_ADDR", "nonsense").args(["completions", shell]);
        let output = km().run().await?.expect(0)?;
        contains_all(output.text()?, &["check", "rotate", "completions", "--secrets"])?;
        assert_eq!(output.stderr, "", "{shell}");
        let document = km().args(["--json"]).run().await?.expect(0)?;
        let document: Value = serde_json::from_slice(&document.stdout)?;
        assert_eq!(document["script"], output.text()?, "{shell}");
    }
    Ok(())
}

#[tokio::test]
async fn script_for_bash_completes_a_command() -> Result<()> {
    let script = Km::new().args(["completions", "bash"]).run().await?.expect(0)?;
    let line = "COMP_WORDS=(km che) COMP_CWORD=1; _km km che km; echo \"${COMPREPLY[*]}\"";
    let program = format!("{}\n{line}", script.text()?);
    let output = tokio::process::Command::new("bash").args(["-c", &program]).output().await?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8(output.stdout)?, "check\n", "{stderr}");
    Ok(())
}

#[tokio::test]
async fn unknown_or_missing_shell_is_a_usage_error_that_lists_the_shells() -> Result<()> {
    let stderr = fails(|| Km::new().args(["completions", "tcsh"]), 2, "usage").await?;
    contains_all(&stderr, &["bash, elvish, fish, powershell, zsh"])?;
    let stderr = fails(|| Km::new().args(["completions"]), 2, "usage").await?;
    contains_all(&stderr, &["SHELL"])
}
