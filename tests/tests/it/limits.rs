//! A rate limit quota of the server, with and without the headers that say when it ends.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use testkit::{Fixture, Server};
use tokio::task::JoinSet;
use tokio::time::Instant;
use vault_auth::Auth;
use vault_http::{DEFAULT_DEADLINE, ErrorKind as Http, Session};
use vault_kv::{Cas, Error, ErrorKind, Fields, Kv, Mount};

use crate::product::{approle, builder, figure, path};
use crate::relay::Relay;

/// The reserve of retries of a client, besides one per twelve requests.
const RESERVE: usize = 12;
const OVERTIME: Duration = Duration::from_millis(100);

/// A server of its own, so that other tests are not slowed down, and a relay that counts requests.
struct Limited {
    server: Server,
    fixture: Fixture,
    relay: Relay,
    kv: Kv,
}

impl Limited {
    /// Logs in and stores one secret, without a limit.
    async fn new(headers: bool) -> Result<Self> {
        let server = Server::dev_alone().await?;
        let body = json!({ "enable_rate_limit_response_headers": headers });
        server.must("POST", "sys/quotas/config", body).await?;
        let fixture = server.fixture().await?;
        let relay = Relay::to(server.address(), "").await?;
        let client = || builder(relay.address()).map(|builder| builder.deadline(DEFAULT_DEADLINE));
        let auth = Auth::new(client()?.build()?, approle(&fixture)?);
        let session = Session::new(client()?.build()?, auth);
        let kv = Kv::new(session, Mount::new(&fixture.mount)?);
        kv.write(&path("name")?, &fields("first"), Cas::Version(0)).await?;
        Ok(Self { server, fixture, relay, kv })
    }

    /// Limits the requests to the mount to this many in this many seconds.
    async fn limit(&self, rate: u32, seconds: u32) -> Result<()> {
        let path = format!("{}/", self.fixture.mount);
        let body = json!({ "rate": rate, "interval": format!("{seconds}s"), "path": path });
        self.server.must("POST", "sys/quotas/rate-limit/test", body).await.map(drop)
    }

    async fn lift(&self) -> Result<()> {
        self.server.must("DELETE", "sys/quotas/rate-limit/test", None).await.map(drop)
    }

    /// Uses the limit up.
    async fn exhaust(&self) -> Result<()> {
        let started = Instant::now();
        while self.fixture.get("name").await?.0 != 429 {
            ensure!(started.elapsed() < DEFAULT_DEADLINE, "nothing is limited");
        }
        Ok(())
    }

    /// Runs operations at once, each a read or a write of another name. Returns the numbers of
    /// those that succeeded. The others must be reported as limited, in time and within the retry
    /// budget.
    async fn burst(&self, size: usize, writes: bool) -> Result<Vec<usize>> {
        let (before, started) = (self.relay.requests(), Instant::now());
        let mut tasks = JoinSet::new();
        for number in 0..size {
            let kv = self.kv.clone();
            tasks.spawn(async move { (number, one(&kv, number, writes).await) });
        }
        let mut through = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            let (number, outcome) = ended?;
            match outcome? {
                Ok(()) => through.push(number),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Exchange(Http::RateLimited), "{error}");
                    self.fixture.watch.error(&error);
                }
            }
        }
        let (took, sent) = (started.elapsed(), self.relay.requests() - before);
        figure(&format!("{size} at once: {} through, {sent} requests, {took:?}", through.len()));
        assert!(took <= DEFAULT_DEADLINE + OVERTIME, "{took:?}");
        assert!(sent > size, "nothing was sent again");
        // The stores at the beginning have added to the budget.
        assert!(sent <= size + RESERVE + (size + 2) / 12, "{sent} requests for {size}");
        Ok(through)
    }
}

async fn one(kv: &Kv, number: usize, writes: bool) -> Result<Result<(), Error>> {
    if writes {
        let (name, fields) = (path(&format!("name-{number}"))?, fields(&number.to_string()));
        return Ok(kv.write(&name, &fields, Cas::Version(0)).await.map(drop));
    }
    Ok(kv.read(&path("name")?).await.map(drop))
}

fn fields(value: &str) -> Fields {
    Fields::new().with("key", value)
}

#[tokio::test]
async fn burst_of_reads_succeeds_or_is_rate_limited() -> Result<()> {
    for headers in [false, true] {
        let limited = Limited::new(headers).await?;
        limited.limit(10, 2).await?;
        let through = limited.burst(40, false).await?.len();
        assert!(through >= 11, "{through}");
    }
    Ok(())
}

#[tokio::test]
async fn rate_limited_write_is_stored_once_or_not_at_all() -> Result<()> {
    for headers in [false, true] {
        let limited = Limited::new(headers).await?;
        limited.limit(5, 2).await?;
        let through = limited.burst(20, true).await?;
        assert!(through.len() >= 6, "{through:?}");
        limited.lift().await?;
        for number in 0..20 {
            let (status, answer) = limited.fixture.get(&format!("name-{number}")).await?;
            let stored = (status, &answer["data"]["metadata"]["version"]);
            let expected =
                if through.contains(&number) { (200, &json!(1)) } else { (404, &json!(null)) };
            assert_eq!(stored, expected, "{number}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn rate_limited_write_waits_for_retry_after() -> Result<()> {
    let limited = Limited::new(true).await?;
    limited.limit(3, 2).await?;
    limited.exhaust().await?;
    let (before, started) = (limited.relay.requests(), Instant::now());
    let written = limited.kv.write(&path("name")?, &fields("second"), Cas::Version(1)).await?;
    assert_eq!(written.version, 2);
    let (took, sent) = (started.elapsed(), limited.relay.requests() - before);
    figure(&format!("written after {took:?}, {sent} requests"));
    // OpenBao rounds the time down, so that the first retry may come up to a second too early.
    assert!((2..=5).contains(&sent), "{sent}");
    assert!(took >= Duration::from_secs(1), "{took:?}");
    limited.lift().await?;
    assert_eq!(limited.fixture.get("name").await?.1["data"]["metadata"]["version"], 2);
    Ok(())
}

#[tokio::test]
async fn limit_that_outlasts_the_deadline_is_reported_within_it() -> Result<()> {
    for headers in [false, true] {
        let limited = Limited::new(headers).await?;
        limited.limit(1, 60).await?;
        limited.exhaust().await?;
        let (before, started) = (limited.relay.requests(), Instant::now());
        let error = limited.kv.read(&path("name")?).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exchange(Http::RateLimited), "{error}");
        // Without `Retry-After`, the server is probed until the deadline.
        let most = if headers { Duration::from_secs(1) } else { DEFAULT_DEADLINE + OVERTIME };
        assert!(started.elapsed() < most, "{:?}", started.elapsed());
        let sent = limited.relay.requests() - before;
        assert!(if headers { sent == 1 } else { sent > 1 }, "{sent}");
        let read = limited.fixture.km().args(["read", "name"]).run().await?.expect(4)?;
        assert_eq!(read.stdout, b"", "{}", read.stderr);
    }
    Ok(())
}
