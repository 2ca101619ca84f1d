//! One request of a client probes while the server answers nobody.
//!
//! After "sealed", "no leader" or a rate limit, every other request would meet the same. So one of
//! them is sent, with backoff, and the others wait for its outcome within their deadlines. Which
//! request is sent again at all is the concern of [`crate::retry`].

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::deadline::Deadline;
use crate::error::Error;
use crate::kind::ErrorKind;
use crate::retry::backoff;

/// An outage that begins within this time of the last one's end continues it: its backoff goes on.
const SAME_OUTAGE: Duration = Duration::from_secs(1);

/// Whether the server answers, as far as the requests of one client have met it.
#[derive(Debug, Default)]
pub(crate) struct Availability {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    outage: Option<Outage>,
    /// Counts the beginnings and ends of outages. The outcome of a request that was sent in an
    /// earlier epoch says nothing about now.
    epoch: u64,
    /// The failures of the last outage, and its end.
    last: Option<(u32, Instant)>,
}

#[derive(Debug)]
struct Outage {
    error: Error,
    failures: u32,
    next_probe: Instant,
    probing: bool,
}

/// The permission to send a request. Dropping a probe's lets another request probe.
#[derive(Debug)]
pub(crate) struct Admission<'a> {
    availability: &'a Availability,
    epoch: u64,
    probes: bool,
}

impl Availability {
    /// Returns whether `kind` says that no request would be answered now.
    pub(crate) fn is_outage(kind: ErrorKind) -> bool {
        matches!(kind, ErrorKind::Sealed | ErrorKind::NoLeader | ErrorKind::RateLimited)
    }

    /// Waits until a request may be sent, which then has `room` until its deadline.
    ///
    /// # Errors
    /// The last probe's, if there is no time left for another before the deadline.
    pub(crate) async fn admit(
        &self,
        deadline: Deadline,
        room: Duration,
    ) -> Result<Admission<'_>, Error> {
        if let Some(admission) = self.admit_if_available() {
            return Ok(admission);
        }
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.step(deadline, room)? {
                Step::Send(admission) => return Ok(admission),
                Step::Probe(admission, at) => {
                    sleep_until(at).await;
                    return Ok(admission);
                }
                Step::Wait(error) => {
                    if deadline.bound(changed).await.is_none() {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Returns an admission unless there is an outage.
    fn admit_if_available(&self) -> Option<Admission<'_>> {
        let state = self.lock();
        let admission = Admission { availability: self, epoch: state.epoch, probes: false };
        state.outage.is_none().then_some(admission)
    }

    /// Sends at once, whatever is known: the caller plans its tries itself.
    pub(crate) fn admit_at_once(&self) -> Admission<'_> {
        let epoch = self.lock().epoch;
        Admission { availability: self, epoch, probes: false }
    }

    fn step(&self, deadline: Deadline, room: Duration) -> Result<Step<'_>, Error> {
        let mut state = self.lock();
        let epoch = state.epoch;
        let Some(outage) = &mut state.outage else {
            return Ok(Step::Send(Admission { availability: self, epoch, probes: false }));
        };
        if deadline.is_before(outage.next_probe + room) {
            return Err(outage.error.clone());
        }
        if outage.probing {
            return Ok(Step::Wait(outage.error.clone()));
        }
        outage.probing = true;
        let admission = Admission { availability: self, epoch, probes: true };
        Ok(Step::Probe(admission, outage.next_probe))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Step<'a> {
    Send(Admission<'a>),
    Probe(Admission<'a>, Instant),
    /// Another request probes.
    Wait(Error),
}

impl Admission<'_> {
    /// Reports what came of the request. The jitter is between 0 and 1.
    pub(crate) fn report(self, failure: Option<&Error>, jitter: f64) {
        let now = Instant::now();
        let mut state = self.availability.lock();
        if state.epoch != self.epoch {
            return;
        }
        match failure {
            Some(error) if Availability::is_outage(error.kind()) => {
                state.fail(error, self.probes, now, jitter);
            }
            // Not an answer of the server, which may be up or down.
            Some(error) if error.status().is_none() => {}
            _ => {
                if state.end(now) {
                    self.availability.changed.notify_waiters();
                }
            }
        }
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if !self.probes {
            return;
        }
        let mut state = self.availability.lock();
        if state.epoch == self.epoch
            && let Some(outage) = &mut state.outage
        {
            outage.probing = false;
        }
        drop(state);
        self.availability.changed.notify_waiters();
    }
}

impl State {
    fn fail(&mut self, error: &Error, probes: bool, now: Instant, jitter: f64) {
        let before = match (&self.outage, self.last) {
            // A request that plans its tries itself.
            (Some(_), _) if !probes => return,
            (Some(outage), _) => outage.failures,
            (None, Some((failures, end))) if now < end + SAME_OUTAGE => failures,
            (None, _) => 0,
        };
        if self.outage.is_none() {
            self.epoch += 1;
        }
        let failures = before.saturating_add(1);
        let next_probe = now + backoff(error, failures, jitter);
        self.outage = Some(Outage { error: error.clone(), failures, next_probe, probing: probes });
    }

    /// Ends the outage, and returns whether there was one.
    fn end(&mut self, now: Instant) -> bool {
        let Some(outage) = self.outage.take() else { return false };
        self.last = Some((outage.failures, now));
        self.epoch += 1;
        true
    }
}

#[cfg(test)]
mod tests {
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

    /// A client of a server that answers by `answer`, and the number of requests that it saw.
    fn client(
        answer: impl Fn(u32) -> Option<(u16, &'static str)> + Send + Sync + 'static,
    ) -> (Client, Arc<AtomicU32>) {
        let sent = Arc::<AtomicU32>::default();
        let seen = Arc::clone(&sent);
        let server = MemoryServer::new(move |_| {
            let answer = answer(seen.fetch_add(1, Relaxed));
            async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                let (status, body) = answer.unwrap_or((200, r#"{"data":{}}"#));
                Ok(MemoryServer::json(status, body))
            }
        });
        let address = Address::parse("https://vault.test", Plaintext::LoopbackOnly).unwrap();
        (Client::builder(address).transport(server).build().unwrap(), sent)
    }

    fn read() -> Request {
        Request::get(ApiPath::from_static("secret/data/a"))
    }

    /// Reads, one every 50 ms: the kinds of those that failed.
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

    /// Answers with `failure` from the first second of the test's clock to the given one.
    fn until(
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
            let (client, sent) = client(until(4, failure));
            assert_eq!(reads(&client, 200).await, []);
            let sent = sent.load(Relaxed);
            assert!((201..=220).contains(&sent), "{sent} for 200 reads");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn outage_longer_than_the_deadline_ends_reads_with_its_kind() {
        let (client, sent) = client(until(60, SEALED));
        let started = Instant::now();
        let failed = reads(&client, 100).await;
        assert!(failed.iter().all(|kind| *kind == ErrorKind::Sealed), "{failed:?}");
        assert_eq!(failed.len(), 80);
        // Five seconds of reads, and the deadline of the last.
        assert!(started.elapsed() <= 10 * SECOND, "{:?}", started.elapsed());
        let sent = sent.load(Relaxed);
        assert!(sent <= 20 + 40, "{sent}: one probe at a time, however many reads wait");
    }

    #[tokio::test(start_paused = true)]
    async fn read_that_waited_for_another_ones_probe_was_not_executed() {
        let server = MemoryServer::new(|request| async move {
            assert_ne!(request.uri().path(), "/v1/secret/data/b", "it was sent");
            Ok(MemoryServer::json(NO_LEADER.0, NO_LEADER.1))
        });
        let address = Address::parse("https://vault.test", Plaintext::LoopbackOnly).unwrap();
        let client = Client::builder(address).transport(server).build().unwrap();
        let request = read();
        let probes = client.send(&request, None, client.deadline());
        let waits = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let request = Request::get(ApiPath::from_static("secret/data/b"));
            let deadline = Deadline::after(Duration::from_millis(20));
            client.send(&request, None, deadline).await.unwrap_err()
        };
        let (last, waited) = tokio::join!(probes, waits);
        assert_eq!((waited.kind(), waited.executed()), (ErrorKind::NoLeader, Executed::No));
        assert_eq!(last.unwrap_err().executed(), Executed::Maybe);
    }

    #[tokio::test(start_paused = true)]
    async fn burst_beyond_a_rate_limit_comes_through() {
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
    async fn request_that_is_sent_once_neither_waits_nor_probes() {
        let (client, sent) = client(|_| Some(SEALED));
        let request = read();
        let waiting = client.send(&request, None, client.deadline());
        let once = async {
            tokio::time::sleep(3 * SECOND).await;
            let before = sent.load(Relaxed);
            let started = Instant::now();
            client.send(&read().without_retries(), None, client.deadline()).await.unwrap_err();
            (sent.load(Relaxed) - before, started.elapsed())
        };
        let (_, (sent, took)) = tokio::join!(waiting, once);
        assert_eq!((sent, took.as_millis()), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn control_traffic_is_not_held_up_by_reads() {
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
}
