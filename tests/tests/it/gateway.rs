//! The example of a Rust gateway, run as in its README: it serves while Vault is stopped, and uses
//! a rotated key without a restart.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use testkit::{Provider, Server, secret};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::product::{environment, until};

/// Waits until it prints its address.
async fn address_of(gateway: &mut Child) -> Result<String> {
    let stderr = gateway.stderr.take().context("its stderr is not piped")?;
    let mut lines = BufReader::new(stderr).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(address) = line.strip_prefix("listening on ") {
            return Ok(format!("http://{address}"));
        }
    }
    anyhow::bail!("the gateway has ended")
}

#[tokio::test]
async fn gateway_serves_while_vault_is_stopped_and_follows_a_rotation() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let (first, second) = (secret("first"), secret("second"));
    fixture.put("OPENAI_API_KEY", json!({ "key": first })).await?;
    let provider = Provider::start().await?;
    [&first, &second].map(|key| provider.accept(key));
    let mut gateway = Command::new(env!("CARGO_BIN_EXE_gateway-example"))
        .args(["127.0.0.1:0", &provider.url()])
        .env_clear()
        .envs(environment(&fixture))
        .env("HCP_VAULT_REFRESH_INTERVAL", "1")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let url = format!("{}/v1/chat/completions", address_of(&mut gateway).await?);
    let http = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let chat = async || -> Result<()> {
        let body = Full::from(r#"{"messages":[]}"#);
        let answer = http.request(Request::post(&url).body(body)?).await?;
        ensure!(answer.status() == 200, "{}", answer.status());
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(String::from_utf8_lossy(&body).contains("Hello"), "another answer");
        Ok(())
    };
    chat().await?;
    assert_eq!(provider.uses(&first).accepted, 1);

    fixture.put("OPENAI_API_KEY", json!({ "key": second })).await?;
    let rotated = async || {
        chat().await?;
        Ok(provider.uses(&second).accepted > 0)
    };
    until("the rotated key", rotated).await?;
    let before = provider.uses(&first);

    server.stop().await?;
    // Well past the refresh interval, each request succeeds.
    let stopped = tokio::time::Instant::now();
    until("three seconds without Vault", async || {
        chat().await?;
        assert_eq!(provider.uses(&first), before, "the old key was used again");
        Ok(stopped.elapsed().as_secs() >= 3)
    })
    .await
}
