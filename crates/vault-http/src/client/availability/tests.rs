use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use tokio::task::JoinSet;

use super::*;
use crate::test_util::MemoryServer;
use crate::{Address, ApiPath, Client, Executed, Plaintext, Request};

const SECOND: Duration = Duration::from_secs(1);
const SEALED: (u16, &str) = (503, r#"{"errors":["Vault is sealed"]}"#);
const NO_LEADER: (u16, &str) =
    (500, r#"{"errors":["local node not active but active cluster node not found"]}"#);
const LIMITED: (u16, &str) = (429, r#"{"errors":["rate limit quota exceeded"]}"#);

/// Returns a client of a server that responds with `failure`, or else with success, and the number
/// of requests that the server received.
fn client(
    failure: impl Fn(u32) -> Option<(u16, &'static str)> + Send + Sync + 'static,
) -> (Client, Arc<AtomicU32>) {
    let sent = Arc::<AtomicU32>::default();
    let seen = Arc::clone(&sent);
    let server = MemoryServer::new(move |_| {
        let failure = failure(seen.fetch_add(1, Relaxed));
        async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let (status, body) = failure.unwrap_or((200, r#"{"data":{}}"#));
            Ok(MemoryServer::json(status, body))
        }
    });
    let address = Address::parse("https://vault.test", Plaintext::LoopbackOnly).unwrap();
    (Client::builder(address).transport(server).build().unwrap(), sent)
}

fn read() -> Request {
    Request::get(ApiPath::from_static("secret/data/a"))
}

/// Starts a read every 50 ms, and returns the error kinds of those that failed.
async fn reads(client: &Client, count: u32) -> Vec<ErrorKind> {
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let client = client.clone();
        tasks.spawn(async move { client.send(&read(), None, client.deadline()).await });
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let outcomes = tasks.join_all().await;
    outcomes.into_iter().filter_map(Result::err).map(|error| error.kind()).collect()
}

/// Fails from the first second of the test until the given one.
fn fail_until(
    end: u64,
    failure: (u16, &'static str),
) -> impl Fn(u32) -> Option<(u16, &'static str)> {
    let started = Instant::now();
    move |_| {
        let now = started.elapsed();
        (now >= SECOND && now < SECOND * u32::try_from(end).unwrap()).then_some(failure)
    }
}

#[tokio::test(start_paused = true)]
async fn outage_shorter_than_the_deadline_fails_no_read() {
    for failure in [SEALED, NO_LEADER] {
        let (client, sent) = client(fail_until(4, failure));
        assert_eq!(reads(&client, 200).await, []);
        let sent = sent.load(Relaxed);
        assert!((201..=220).contains(&sent), "{sent} for 200 reads");
    }
}

#[tokio::test(start_paused = true)]
async fn outage_longer_than_the_deadline_fails_reads_with_its_kind() {
    let (client, sent) = client(fail_until(60, SEALED));
    let started = Instant::now();
    let failed = reads(&client, 100).await;
    assert!(failed.iter().all(|kind| *kind == ErrorKind::Sealed), "{failed:?}");
    assert_eq!(failed.len(), 80);
    // Five seconds of reads, and the deadline of the last one.
    assert!(started.elapsed() <= 10 * SECOND, "{:?}", started.elapsed());
    let sent = sent.load(Relaxed);
    assert!(sent <= 20 + 40, "{sent} requests: only one of the waiting reads may probe");
}

#[tokio::test(start_paused = true)]
async fn read_that_waited_for_a_probe_was_not_executed() {
    let server = MemoryServer::new(|request| async move {
        assert_ne!(request.uri().path(), "/v1/secret/data/b", "the waiting read was sent");
        Ok(MemoryServer::json(NO_LEADER.0, NO_LEADER.1))
    });
    let address = Address::parse("https://vault.test", Plaintext::LoopbackOnly).unwrap();
    let client = Client::builder(address).transport(server).build().unwrap();
    let request = read();
    let probing = client.send(&request, None, client.deadline());
    let waiting = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let request = Request::get(ApiPath::from_static("secret/data/b"));
        let deadline = Deadline::after(Duration::from_millis(20));
        client.send(&request, None, deadline).await.unwrap_err()
    };
    let (last, waited) = tokio::join!(probing, waiting);
    assert_eq!((waited.kind(), waited.executed()), (ErrorKind::NoLeader, Executed::No));
    assert_eq!(last.unwrap_err().executed(), Executed::Maybe);
}

#[tokio::test(start_paused = true)]
async fn burst_beyond_a_rate_limit_succeeds_within_the_deadline() {
    let (started, seconds) = (Instant::now(), std::sync::Mutex::new((0, 0)));
    let (client, sent) = client(move |_| {
        let mut second = seconds.lock().unwrap();
        let window = started.elapsed().as_secs();
        if second.0 != window {
            *second = (window, 0);
        }
        second.1 += 1;
        (second.1 > 5).then_some(LIMITED)
    });
    let mut tasks = JoinSet::new();
    for _ in 0..12 {
        let client = client.clone();
        tasks.spawn(async move { client.send(&read(), None, client.deadline()).await });
    }
    for outcome in tasks.join_all().await {
        outcome.unwrap();
    }
    assert!(sent.load(Relaxed) <= 12 + 13, "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn request_without_retries_neither_waits_nor_probes() {
    let (client, sent) = client(|_| Some(SEALED));
    let request = read();
    let waiting = client.send(&request, None, client.deadline());
    let without_retries = async {
        tokio::time::sleep(3 * SECOND).await;
        let before = sent.load(Relaxed);
        let started = Instant::now();
        client.send(&read().without_retries(), None, client.deadline()).await.unwrap_err();
        (sent.load(Relaxed) - before, started.elapsed())
    };
    let (_, (sent, took)) = tokio::join!(waiting, without_retries);
    assert_eq!((sent, took.as_millis()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn control_traffic_is_not_blocked_by_reads() {
    let server = MemoryServer::new(|request| async move {
        if request.uri().path().ends_with("secret/data/a") {
            std::future::pending::<()>().await;
        }
        Ok(MemoryServer::json(200, "{}"))
    });
    let address = Address::parse("https://vault.test", Plaintext::LoopbackOnly).unwrap();
    let client = Client::builder(address).transport(server).build().unwrap();
    let mut hung = JoinSet::new();
    for _ in 0..1_000 {
        let client = client.clone();
        hung.spawn(async move { client.send(&read(), None, client.deadline()).await });
    }
    tokio::time::sleep(SECOND).await;
    let renewal = Request::get(ApiPath::from_static("auth/token/lookup-self"));
    let deadline = Deadline::after(Duration::from_millis(10));
    client.control().send(&renewal, None, deadline).await.unwrap();
    assert_eq!(
        client.send(&renewal, None, deadline).await.unwrap_err().kind(),
        ErrorKind::Overloaded
    );
}

#[tokio::test(start_paused = true)]
async fn request_after_its_deadline_is_not_sent() {
    let (client, sent) = client(|_| None);
    let deadline = Deadline::after(Duration::ZERO);
    let error = client.send(&read(), None, deadline).await.unwrap_err();
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Timeout, Executed::No));
    assert_eq!(sent.load(Relaxed), 0);
}
