//! The example of a Rust gateway, run as in its README: it serves while Vault is stopped, and
//! follows rotations without a restart and without a failed request.

use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use testkit::{Fixture, Provider, Server, secret};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, sleep_until, timeout};

use super::{Example, example};
use crate::product::{environment, figure, until};

const EXAMPLE: Example = example!("gateway");

const SECOND: Duration = Duration::from_secs(1);

/// Longer than any event takes here; only a failing test reaches it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The requests that clients send in a second.
const RATE: u32 = 50;

/// A running gateway, and a client of it.
struct Gateway {
    _process: Child,
    url: String,
    http: Client<HttpConnector, Full<Bytes>>,
}

impl Gateway {
    async fn start(
        fixture: &Fixture,
        provider: &Provider,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let mut process = EXAMPLE
            .command()
            .args(["127.0.0.1:0", &provider.url()])
            .env_clear()
            .envs(environment(fixture))
            .envs(settings.iter().copied())
            .stderr(Stdio::piped())
            .spawn()?;
        let url = format!("{}/v1/chat/completions", address_of(&mut process).await?);
        let http = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { _process: process, url, http })
    }

    /// Sends a request. Any other answer than the provider's is an error.
    fn chat(&self) -> impl Future<Output = Result<()>> + Send + 'static {
        let (http, url) = (self.http.clone(), self.url.clone());
        async move {
            let request = Request::post(url).body(Full::from(r#"{"messages":[]}"#))?;
            let answer = http.request(request).await?;
            ensure!(answer.status() == 200, "{}", answer.status());
            let body = answer.into_body().collect().await?.to_bytes();
            ensure!(String::from_utf8_lossy(&body).contains("Hello"), "another answer");
            Ok(())
        }
    }

    /// Sends requests at [`RATE`] until `during` ends. Returns its output and the number of
    /// requests, none of which may fail.
    async fn under_load<T>(&self, during: impl Future<Output = Result<T>>) -> Result<(T, usize)> {
        let (mut ticks, mut requests) = (interval(SECOND / RATE), JoinSet::new());
        let (mut during, mut count) = (pin!(during), 0);
        let output = loop {
            tokio::select! {
                output = &mut during => break output?,
                _ = ticks.tick() => drop(requests.spawn(self.chat())),
                Some(done) = requests.join_next() => {
                    done?.with_context(|| format!("request {count}"))?;
                    count += 1;
                }
            }
        };
        while let Some(done) = requests.join_next().await {
            done?.with_context(|| format!("request {count}"))?;
            count += 1;
        }
        Ok((output, count))
    }
}

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
    for key in [&first, &second] {
        provider.accept(key);
    }
    let settings = [("HCP_VAULT_REFRESH_INTERVAL", "1")];
    let gateway = Gateway::start(&fixture, &provider, &settings).await?;
    gateway.chat().await?;
    assert_eq!(provider.uses(&first).accepted, 1);

    fixture.put("OPENAI_API_KEY", json!({ "key": second })).await?;
    let rotated = async || {
        gateway.chat().await?;
        Ok(provider.uses(&second).accepted > 0)
    };
    until("the rotated key", rotated).await?;
    let before = provider.uses(&first);

    server.stop().await?;
    // Well past the refresh interval, each request succeeds.
    let stopped = Instant::now();
    until("three seconds without Vault", async || {
        gateway.chat().await?;
        assert_eq!(provider.uses(&first), before, "the old key was used again");
        Ok(stopped.elapsed().as_secs() >= 3)
    })
    .await
}

/// When an operator revokes the old key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Revocation {
    /// A second after the poll interval, counted from the write of the new key.
    AfterThePollInterval,
    /// As soon as the new key is stored.
    AtOnce,
}

/// Rotates the key several times under load. The refresh interval is a day, as by default.
async fn rotate(rotations: usize, revocation: Revocation, poll_interval: Duration) -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let provider = Provider::start().await?;
    let mut current = secret("first");
    provider.accept(&current);
    fixture.put("OPENAI_API_KEY", json!({ "key": current })).await?;
    let interval = poll_interval.as_secs().to_string();
    let settings = [("KM_POLL_INTERVAL", interval.as_str())];
    let gateway = Gateway::start(&fixture, &provider, &settings).await?;
    let rotations = async {
        let mut delays = Vec::new();
        for _ in 0..rotations {
            let next = secret("next");
            provider.accept(&next);
            fixture.put("OPENAI_API_KEY", json!({ "key": next })).await?;
            let written = Instant::now();
            if revocation == Revocation::AfterThePollInterval {
                sleep_until(written + poll_interval + SECOND).await;
            }
            provider.revoke(&current);
            let first_use = timeout(PATIENCE, provider.first_use(&next)).await;
            // Clients can force one read of a name in a second.
            sleep(SECOND + SECOND / 5).await;
            delays.push(first_use.context("the new key is not used")?.duration_since(written));
            current = next;
        }
        Ok(delays)
    };
    let (mut delays, count) = gateway.under_load(rotations).await?;
    delays.sort_unstable();
    let at = |percent: usize| delays.get((delays.len() * percent).div_ceil(100) - 1);
    figure(&format!(
        "gateway: {} rotations, revoked {revocation:?}, poll interval {poll_interval:?}: {count} \
         requests, {} rejected by the provider and sent again, 0 failed; first use after p50 {:?}, \
         p99 {:?}",
        delays.len(),
        provider.rejected(),
        at(50).context("no rotation")?,
        at(99).context("no rotation")?,
    ));
    if revocation == Revocation::AfterThePollInterval {
        assert_eq!(provider.rejected(), 0, "a revoked key was used");
    }
    Ok(())
}

#[tokio::test]
async fn gateway_uses_no_key_that_is_revoked_after_the_poll_interval() -> Result<()> {
    rotate(3, Revocation::AfterThePollInterval, SECOND).await
}

#[tokio::test]
async fn gateway_loses_no_request_when_the_old_key_is_revoked_at_once() -> Result<()> {
    rotate(3, Revocation::AtOnce, Duration::from_secs(60)).await
}

/// Run by `cargo xtask test --slow`.
mod slow {
    use super::*;

    #[tokio::test]
    #[ignore = "takes 3 minutes: cargo xtask test --slow"]
    async fn gateway_uses_no_key_that_is_revoked_after_the_poll_interval_in_twenty_rotations()
    -> Result<()> {
        rotate(20, Revocation::AfterThePollInterval, SECOND * 5).await
    }

    #[tokio::test]
    #[ignore = "takes a minute: cargo xtask test --slow"]
    async fn gateway_loses_no_request_in_twenty_rotations_with_revocation_at_once() -> Result<()> {
        rotate(20, Revocation::AtOnce, SECOND * 60).await
    }
}
