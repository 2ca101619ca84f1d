//! Conditions under which the program is not started.

use anyhow::Result;
use serde_json::json;
use testkit::{Km, Server, secret};

use super::{fails_before_start, print_variables, shell};
use crate::cli::common::{contains_all, file, km_against, km_with_token};
use crate::cli::listener::Silent;

#[tokio::test]
async fn missing_name_prevents_the_start_unless_allowed() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let (directory, config) = file("keys: [os.environ/GONE, os.environ/ONE, os.environ/LOST]\n")?;
    let marker = directory.path().join("started");
    let program = shell(&format!("touch '{}'", marker.display()));
    let km = || fixture.km().args(["exec", "--config"]).args([&config]);
    let stderr = fails_before_start(km, &program, 6, "not_found").await?;
    contains_all(&stderr, &["read GONE", "read LOST"])?;
    assert!(!stderr.contains("read ONE"), "{stderr}");
    assert!(!marker.exists(), "the program was started");

    let allowed = km().args(["--allow-missing"]).args(&program);
    contains_all(&allowed.run().await?.expect(0)?.stderr, &["GONE", "LOST"])?;
    assert!(marker.exists(), "the program was not started");
    Ok(())
}

#[tokio::test]
async fn missing_mount_prevents_the_start_even_with_allow_missing() -> Result<()> {
    let server = Server::shared().await?;
    let km = || {
        let km = km_with_token(server.address(), "absent", server.root_token());
        km.args(["exec", "--only", "A", "--allow-missing"])
    };
    fails_before_start(km, &print_variables(&["A"]), 6, "not_found").await.map(drop)
}

#[tokio::test]
async fn value_or_name_invalid_for_a_variable_prevents_the_start() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": format!("{}\0rest", secret("value")) })).await?;
    fixture.put("A=B", json!({ "key": "v" })).await?;
    fixture.put("NUMBER", json!({ "key": 1 })).await?;
    for (name, code, kind) in
        [("ONE", 8, "stored_value"), ("A=B", 2, "usage"), ("NUMBER", 8, "stored_value")]
    {
        let km = || fixture.km().args(["exec", "--only", name]);
        let stderr = fails_before_start(km, &print_variables(&["ONE"]), code, kind).await?;
        contains_all(&stderr, &[name])?;
    }
    Ok(())
}

/// The size limit of one variable on Linux, including its name.
const LARGEST: usize = 128 * 1024 - "ONE=\0".len();

#[tokio::test]
async fn value_too_large_for_a_variable_prevents_the_start() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let km = || fixture.km().args(["exec", "--only=ONE"]);
    fixture.put("ONE", json!({ "key": "a".repeat(LARGEST) })).await?;
    let program = shell("echo ${#ONE}");
    assert_eq!(km().args(&program).run().await?.expect(0)?.text()?, format!("{LARGEST}\n"));
    fixture.put("ONE", json!({ "key": "a".repeat(LARGEST + 1) })).await?;
    contains_all(&fails_before_start(km, &program, 8, "stored_value").await?, &["ONE", "128 KiB"])
}

/// The kernel limits all variables together to at most 6 MiB.
#[tokio::test]
async fn values_too_large_together_are_reported_largest_first() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let names: Vec<_> = (0..60).map(|number| format!("NAME_{number}")).collect();
    for name in &names {
        fixture.put(name, json!({ "key": "a".repeat(120 * 1024) })).await?;
    }
    fixture.put("BIG", json!({ "key": "a".repeat(125 * 1024) })).await?;
    fixture.put("SMALL", json!({ "key": "a" })).await?;
    let only: Vec<_> = names.iter().map(|name| format!("--only={name}")).collect();
    let km = || fixture.km().env("KM_DEADLINE", "60s").args(["exec", "--only=SMALL"]);
    let km = || km().args(["--only=BIG"]).args(&only);
    let stderr = fails_before_start(km, &["--", "true"], 126, "usage").await?;
    contains_all(&stderr, &["start true", "largest values: BIG, NAME_"])?;
    assert!(!stderr.contains("SMALL"), "{stderr}");
    Ok(())
}

#[tokio::test]
async fn program_that_cannot_be_started_is_exit_126_or_127() -> Result<()> {
    let (_directory, plain) = file("text")?;
    let plain = plain.display().to_string();
    for (program, code) in
        [("no-such-program", 127), ("/nonexistent/program", 127), (&plain, 126), ("/tmp", 126)]
    {
        let km = || Km::new().env("HCP_VAULT_TOKEN", "t").args(["exec"]);
        let stderr = fails_before_start(km, &["--", program, "argument"], code, "usage").await?;
        contains_all(&stderr, &[program])?;
    }
    Ok(())
}

#[tokio::test]
async fn missing_program_is_a_usage_error() -> Result<()> {
    let silent = Silent::new()?;
    let address = silent.address();
    for arguments in [
        &["exec"][..],
        &["exec", "program"],
        &["exec", "--only", "A", "--"],
        &["exec", "--only", "A", "--", ""],
        &["exec", "--only", "A", "--team-settings", "{}", "--", "true"],
    ] {
        let km = km_with_token(&address, "secret", "t").args(arguments);
        let output = km.run().await?.expect(2)?;
        contains_all(&output.stderr, &["km: usage: ", "hint: "])?;
    }
    assert_eq!(silent.connections()?, 0, "a request was sent");
    Ok(())
}

#[tokio::test]
async fn virtual_key_is_denied_as_a_variable() -> Result<()> {
    let silent = Silent::new()?;
    let km = || km_against(&silent.address()).args(["exec", "--only", "litellm/alias"]);
    let stderr = fails_before_start(km, &["--", "/bin/true"], 5, "denied").await?;
    contains_all(&stderr, &["virtual keys are not provider secrets"])?;
    assert_eq!(silent.connections()?, 0);
    Ok(())
}
