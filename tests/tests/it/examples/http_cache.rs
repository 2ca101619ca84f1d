//! The program that caches values of an HTTP server, which needs no Vault.

use std::process::Stdio;

use anyhow::{Context, Result};
use testkit::scripted::{Scripted, raw};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use super::{Example, example};

const EXAMPLE: Example = example!("http-cache");

#[tokio::test]
async fn value_is_requested_once_and_an_unknown_one_is_an_error() -> Result<()> {
    let server = Scripted::requests(|request| {
        let known = request.target == "/rates/CHF";
        let answer = if known { raw(200, "0.93") } else { raw(404, "") };
        answer.sized().into()
    })
    .start()?;
    let mut child = EXAMPLE.command().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().context("no stdin")?;
    let mut output = BufReader::new(child.stdout.take().context("no stdout")?).lines();
    for (name, expected) in
        [("CHF", "0.93 (Loaded)"), ("CHF", "0.93 (Memory)"), ("XXX", "error: not found")]
    {
        input.write_all(format!("{}/rates/{name}\n", server.url()).as_bytes()).await?;
        assert_eq!(output.next_line().await?.as_deref(), Some(expected), "{name}");
    }
    assert_eq!(server.record().count("GET", "/rates/CHF"), 1);
    Ok(())
}

#[test]
fn readme_shows_the_program() {
    EXAMPLE.assert_shown_in(include_str!("../../../../crates/secret-cache/README.md"));
}
