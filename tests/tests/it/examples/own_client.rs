//! The program that keeps its own client authenticated.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use testkit::{Fixture, FixtureSpec, Server};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::{Example, example};
use crate::login::accessors;
use crate::product::{Files, until};

const EXAMPLE: Example = example!("own-client");

/// The program, which reads the paths that are written to its stdin.
struct Program {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    path: String,
    _files: Files,
}

impl Program {
    async fn start(fixture: &Fixture) -> Result<Self> {
        fixture.put("name", json!({ "key": "v" })).await?;
        let files = Files::new()?;
        let secret_id = files.write("secret-id", &fixture.secret_id)?;
        let mut child = EXAMPLE
            .command()
            .arg(fixture.server().address())
            .arg(&fixture.role_id)
            .arg(secret_id)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().context("no stdin")?;
        let output = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        let path = format!("{}/data/name", fixture.mount);
        Ok(Self { child, input, output, path, _files: files })
    }

    async fn read(&mut self) -> Result<String> {
        self.input.write_all(format!("{}\n", self.path).as_bytes()).await?;
        self.output.next_line().await?.context("the program has ended")
    }

    fn signal(&self, name: &str) -> Result<()> {
        let pid = self.child.id().context("it has ended")?.to_string();
        let status = std::process::Command::new("sh")
            .args(["-c", r#"kill -s "$1" "$2""#, "kill", name, &pid])
            .status()?;
        ensure!(status.success(), "SIG{name} can't be sent");
        Ok(())
    }

    async fn ends(mut self) -> Result<()> {
        drop(self.input);
        ensure!(self.child.wait().await?.success(), "the program failed");
        Ok(())
    }
}

async fn fixture(role: serde_json::Value) -> Result<Fixture> {
    let spec = FixtureSpec { role: Some(role), ..FixtureSpec::default() };
    Server::shared().await?.fixture_with(spec).await
}

#[tokio::test]
async fn program_reads_and_revokes_its_token_at_exit() -> Result<()> {
    let fixture = fixture(json!({ "token_ttl": "1h" })).await?;
    let mut program = Program::start(&fixture).await?;
    for _ in 0..3 {
        assert_eq!(program.read().await?, "200");
    }
    assert_eq!(accessors(&fixture).await?.len(), 1);
    program.ends().await?;
    assert_eq!(accessors(&fixture).await?.len(), 0, "its token outlives it");
    Ok(())
}

#[tokio::test]
async fn revoked_token_does_not_fail_a_request() -> Result<()> {
    let fixture = fixture(json!({ "token_ttl": "1h" })).await?;
    let mut program = Program::start(&fixture).await?;
    assert_eq!(program.read().await?, "200");
    for accessor in accessors(&fixture).await? {
        let body = json!({ "accessor": accessor });
        fixture.server().must("POST", "auth/token/revoke-accessor", body).await?;
    }
    assert_eq!(program.read().await?, "200");
    program.ends().await
}

#[tokio::test]
async fn stopped_process_past_its_lease_does_not_fail_a_request() -> Result<()> {
    let fixture = fixture(json!({ "token_ttl": "2s", "token_max_ttl": "2s" })).await?;
    let mut program = Program::start(&fixture).await?;
    assert_eq!(program.read().await?, "200");
    program.signal("STOP")?;
    until("the end of its token", async || Ok(accessors(&fixture).await?.is_empty())).await?;
    program.signal("CONT")?;
    assert_eq!(program.read().await?, "200");
    program.ends().await
}

#[test]
fn readme_shows_the_program() {
    EXAMPLE.assert_shown_in(include_str!("../../../../crates/vault-auth/README.md"));
}
