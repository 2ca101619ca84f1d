//! What is retried, how often, and the cost of an outage for the server.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use testkit::{Scripted, Step, scripted, secret};
use tokio::task::JoinSet;
use tokio::time::Instant;
use vault_http::{ErrorKind, Executed, Resolve};

use super::{HURRY, Parts, builder, errors, stored};

/// Retried until the deadline leaves no time.
const AGAIN: usize = usize::MAX;

/// A fault, its outcome, and the number of requests for a read and for a write.
struct Row {
    what: &'static str,
    steps: Vec<Step>,
    kind: ErrorKind,
    reads: usize,
    writes: usize,
}

fn row(
    what: &'static str,
    steps: impl Into<Vec<Step>>,
    kind: ErrorKind,
    reads: usize,
    writes: usize,
) -> Row {
    Row { what, steps: steps.into(), kind, reads, writes }
}

async fn check(Row { what, steps, kind, reads, writes }: Row) -> Result<()> {
    let server = Scripted::requests(move |_| steps.clone()).start()?;
    let as_expected = |sent, expected| if expected == AGAIN { sent > 1 } else { sent == expected };
    let parts = Parts::hurried(&server)?;
    assert_eq!(parts.fails().await.kind(), kind, "{what}, read");
    let sent = server.record().total();
    assert!(as_expected(sent, reads), "{what}, read: {sent}");
    // A client with an unused budget.
    let parts = Parts::hurried(&server)?;
    let error = parts.leak_free(parts.write().await.unwrap_err());
    assert_eq!(error.kind(), kind, "{what}, write");
    let sent = server.record().total() - sent;
    assert!(as_expected(sent, writes), "{what}, write: {sent}");
    let sent_once = kind.semantics().retryable && writes == 1;
    assert!(!sent_once || error.executed() == Executed::Maybe, "{what}: sent again in doubt only");
    Ok(())
}

#[tokio::test]
async fn reads_are_retried_and_writes_only_if_not_executed() -> Result<()> {
    let answer = stored(1, &secret("value"));
    let (head, whole) = (answer.head(), answer.bytes());
    let part = |end: usize, last: Step| vec![Step::Send(whole[..end].to_vec().into()), last];
    let limited = errors(429, "request path \"secret\": rate limit quota exceeded");
    for row in [
        row("RST before the answer", [Step::Reset], ErrorKind::Interrupted, AGAIN, 1),
        row("FIN before the answer", [Step::Close], ErrorKind::Interrupted, AGAIN, 1),
        row("FIN in the head", part(head.len() - 9, Step::Close), ErrorKind::Interrupted, AGAIN, 1),
        row("FIN in the body", part(head.len() + 9, Step::Close), ErrorKind::Interrupted, AGAIN, 1),
        row("RST in the body", part(head.len() + 9, Step::Reset), ErrorKind::Interrupted, AGAIN, 1),
        row("sealed", errors(503, "Vault is sealed"), ErrorKind::Sealed, AGAIN, AGAIN),
        row(
            "no leader",
            errors(500, "local node not active but active cluster node not found"),
            ErrorKind::NoLeader,
            AGAIN,
            1,
        ),
        row(
            "leadership lost",
            errors(500, "leadership lost while committing log"),
            ErrorKind::Server,
            AGAIN,
            1,
        ),
        row("500", errors(500, "internal error"), ErrorKind::Server, AGAIN, 1),
        row("502 of a balancer", scripted::raw(502, "<html>").sized(), ErrorKind::Server, AGAIN, 1),
        row("429", limited.clone(), ErrorKind::RateLimited, AGAIN, AGAIN),
        row(
            "429, after 0 s",
            limited.header("Retry-After", "0"),
            ErrorKind::RateLimited,
            AGAIN,
            AGAIN,
        ),
        row(
            "behind",
            errors(412, "required index state not present"),
            ErrorKind::ReplicationLag,
            AGAIN,
            AGAIN,
        ),
        row(
            "upgrading",
            errors(
                400,
                "Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period and will resume service shortly.",
            ),
            ErrorKind::Upgrading,
            AGAIN,
            AGAIN,
        ),
        row(
            "namespace locked",
            errors(503, "API access to this namespace has been locked by an administrator"),
            ErrorKind::NamespaceLocked,
            1,
            1,
        ),
        row(
            "denied",
            errors(403, "1 error occurred:\n\t* permission denied\n\n"),
            ErrorKind::Denied,
            1,
            1,
        ),
        row("not found", scripted::json(404, r#"{"errors":[]}"#), ErrorKind::NotFound, 1, 1),
        row("refused as it is", errors(400, "error parsing JSON"), ErrorKind::Rejected, 1, 1),
        row("a body that is no JSON", scripted::json(200, "{"), ErrorKind::Malformed, 1, 1),
    ] {
        check(row).await?;
    }
    Ok(())
}

/// Reads under a rate limit with this `Retry-After`. Returns the number of requests and the time
/// that this took.
async fn limited(
    after: &str,
    deadline: Duration,
    requests: RangeInclusive<usize>,
    least: Duration,
) -> Result<()> {
    let limited = errors(429, "rate limit quota exceeded").header("Retry-After", after);
    let server = Scripted::requests(move |_| limited.clone().into()).start()?;
    let parts = Parts::of(builder(&server.url())?.deadline(deadline))?;
    let started = Instant::now();
    assert_eq!(parts.fails().await.kind(), ErrorKind::RateLimited, "{after}");
    let took = started.elapsed();
    let sent = server.record().total();
    assert!(requests.contains(&sent), "Retry-After: {after}, {deadline:?}: {sent}");
    let most = deadline + Duration::from_millis(300);
    assert!(took >= least && took < most, "{after}: {took:?}");
    Ok(())
}

#[tokio::test]
async fn rate_limit_is_awaited_within_the_deadline() -> Result<()> {
    let second = Duration::from_secs(1);
    limited("0", second, 3..=5, second / 4).await?;
    limited("1", 5 * second, 4..=5, 3 * second).await?;
    limited("1", second / 2, 1..=1, Duration::ZERO).await?;
    limited("4000000000", 5 * second, 1..=1, Duration::ZERO).await
}

#[tokio::test]
async fn huge_retry_after_is_reported_at_once() -> Result<()> {
    limited("99999999999999999999999999", Duration::from_secs(5), 1..=1, Duration::ZERO).await
}

/// Resolves to one address, and counts the look-ups.
struct Leads(SocketAddr, Arc<AtomicUsize>);

#[async_trait]
impl Resolve for Leads {
    async fn resolve(&self, _: &str) -> std::io::Result<Vec<SocketAddr>> {
        self.1.fetch_add(1, SeqCst);
        Ok(vec![self.0])
    }
}

#[tokio::test]
async fn refused_connection_is_retried_for_writes() -> Result<()> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    for writes in [false, true] {
        let asked = Arc::<AtomicUsize>::default();
        let url = format!("https://vault.test:{}", port.port());
        let parts = builder(&url)?.deadline(HURRY).resolver(Leads(port, Arc::clone(&asked)));
        let parts = Parts::of(parts)?;
        let outcome = if writes { parts.write().await } else { parts.read().await };
        let error = parts.leak_free(outcome.unwrap_err());
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Unreachable, Executed::No));
        assert!(asked.load(SeqCst) > 1, "writes: {writes}");
    }
    Ok(())
}

#[tokio::test]
async fn aborted_handshake_is_retried_for_writes() -> Result<()> {
    for last in [Step::Close, Step::Reset] {
        let script = move |_| vec![Step::Wait(Duration::from_millis(20)), last.clone()];
        let server = Scripted::connections(script).start()?;
        let parts = builder(&server.url().replace("http:", "https:"))?.deadline(HURRY);
        let parts = Parts::of(parts)?;
        let error = parts.leak_free(parts.write().await.unwrap_err());
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Unreachable, Executed::No));
        assert!(server.record().connections() > 1);
    }
    Ok(())
}

#[tokio::test]
async fn outage_is_amplified_by_a_tenth_at_most() -> Result<()> {
    const READS: usize = 2_000;
    let server = Scripted::requests(|_| vec![Step::Reset]).start()?;
    let parts = Arc::new(Parts::new(&server)?);
    let mut readers = JoinSet::new();
    for _ in 0..32 {
        let parts = Arc::clone(&parts);
        readers.spawn(async move {
            for _ in 0..READS / 32 {
                assert_eq!(parts.fails().await.kind(), ErrorKind::Interrupted);
            }
        });
    }
    readers.join_all().await;
    let (reads, seen) = (READS / 32 * 32, server.record().total());
    assert!(seen > reads && seen <= reads * 11 / 10, "{seen} requests for {reads} reads");
    Ok(())
}
