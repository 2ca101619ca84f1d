//! `kill -9` at any point of a rotation or a rename: the value is never lost, and running the same
//! command again completes it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testkit::secret;

use super::common::Gateway;
use crate::cli::stopper::{Stop, Stopper};

/// An upper bound of the requests that one command sends.
const MAX_REQUESTS: usize = 12;

struct Case {
    arguments: &'static [&'static str],
    /// At every moment, the old or the new value must be stored under one of these names.
    names: &'static [&'static str],
    renames: bool,
}

/// Kills the command before and after every request, and runs it again. Returns how often it was
/// killed.
async fn check(case: &Case) -> Result<usize> {
    let gateway = Gateway::new(&[]).await?;
    let all = (0..MAX_REQUESTS).flat_map(|number| [Stop::Before(number), Stop::After(number)]);
    for (stops, stop) in all.enumerate() {
        let (old, new) = (secret("old"), secret("new"));
        gateway.run(&["store", "old"], &old).await?;
        let stopper = Stopper::to(gateway.fixture.server().address(), stop).await?;
        let through = gateway.key(case.arguments).env("HCP_VAULT_ADDR", stopper.address());
        let mut running = through.stdin(new.as_str()).start().await?;
        let completed = tokio::select! {
            () = stopper.stopped() => {
                running.child().kill().await?;
                false
            }
            status = running.child().wait() => status?.success(),
        };
        let mut found = Vec::new();
        for name in case.names {
            let fields = gateway.stored(&format!("litellm/{name}")).await?;
            found.extend(fields.and_then(|fields| fields["key"].as_str().map(str::to_owned)));
        }
        ensure!(
            found.iter().any(|value| *value == old || *value == new),
            "{stop:?}: the value is lost"
        );
        gateway.run(case.arguments, &new).await?;
        expect_stored(&gateway, case, if case.renames { &old } else { &new }, stop).await?;
        if completed {
            return Ok(stops);
        }
        // The next run starts with an empty folder.
        for name in case.names {
            gateway.fixture.server().must("DELETE", &metadata(&gateway, name), Value::Null).await?;
        }
    }
    anyhow::bail!("the command never completed")
}

async fn expect_stored(gateway: &Gateway, case: &Case, value: &str, stop: Stop) -> Result<()> {
    let last = case.names.last().copied().unwrap_or_default();
    let expected = json!({ "key": value, "description": "Rotated from litellm/old" });
    let stored = gateway.stored(&format!("litellm/{last}")).await?;
    ensure!(stored == Some(expected), "{stop:?}: unexpected stored value");
    if last != "old" {
        ensure!(
            gateway.stored("litellm/old").await?.is_none(),
            "{stop:?}: the old name still exists"
        );
    }
    Ok(())
}

fn metadata(gateway: &Gateway, name: &str) -> String {
    format!("{}/metadata/litellm/{name}", gateway.fixture.mount)
}

#[tokio::test]
async fn rotation_in_place_killed_anywhere_keeps_a_value_and_completes_on_rerun() -> Result<()> {
    let case = Case { arguments: &["rotate", "old"], names: &["old"], renames: false };
    // Login, mount type, read, write, read; each before and after.
    assert_eq!(check(&case).await?, 10);
    Ok(())
}

#[tokio::test]
async fn rotation_to_a_new_name_killed_anywhere_keeps_a_value_and_completes_on_rerun() -> Result<()>
{
    let arguments = &["rotate", "old", "--to", "new"];
    let case = Case { arguments, names: &["old", "new"], renames: false };
    assert_eq!(check(&case).await?, 12);
    Ok(())
}

#[tokio::test]
async fn rename_killed_anywhere_keeps_the_value_and_completes_on_rerun() -> Result<()> {
    let arguments = &["rename", "old", "new"];
    let case = Case { arguments, names: &["old", "new"], renames: true };
    assert_eq!(check(&case).await?, 12);
    Ok(())
}
