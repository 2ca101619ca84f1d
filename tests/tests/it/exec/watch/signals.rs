//! `--on-change=SIGNAL`: the program is signalled and keeps running.

use anyhow::Result;
use serde_json::json;
use testkit::{Server, secret};

use super::program::{Watched, exec_watch};
use crate::cli::common::contains_all;

#[tokio::test]
async fn on_change_signal_is_sent_for_each_change_without_a_restart() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (first, second, third) = (secret("first"), secret("second"), secret("third"));
    for name in ["HUP", "USR1", "USR2"] {
        fixture.put(name, json!({ "key": first })).await?;
        let km = exec_watch(&fixture, &[name]).args([format!("--on-change=SIG{name}")]);
        let script = format!("trap 'echo signalled \"${name}\"' {name}; echo ready");
        let mut program = Watched::start(km, &script).await?;
        assert_eq!(program.line().await?, "ready");
        for value in [&second, &third] {
            fixture.put(name, json!({ "key": value })).await?;
            // The environment of a running process does not change.
            assert_eq!(program.line().await?, format!("signalled {first}"), "SIG{name}");
        }
        program.wait_for_log("count=2").await?;
        program.signal("TERM")?;
        let stderr = program.wait_for_exit(143).await?;
        contains_all(
            &stderr,
            &["sent a signal to the program", &format!("names=\"{name}\" count=1")],
        )?;
    }
    Ok(())
}
