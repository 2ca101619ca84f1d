//! The task that owns a token's life: it turns what the life wants into requests, and what comes of
//! them into events. It ends with the last clone of its token source.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use super::handle::{DriverHandle, Message, Outcome};
use super::requests::{Completion, Requests};
use crate::credential::watch::Fingerprints;
use crate::machine::{Config, Event, Moment, TokenMachine};
use crate::shared::Shared;
use crate::status::{Snapshot, State};

/// How often files are checked for changes, and the time to the token's end is reported.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// The same while no login succeeds: a new credential is in use about a second after it was written.
const POLL_INTERVAL_FAILING: Duration = Duration::from_millis(500);

/// The task's own state.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(super) machine: TokenMachine,
    pub(super) requests: Arc<Requests>,
    pub(super) shared: Arc<Shared<Outcome>>,
    pub(super) messages: mpsc::UnboundedReceiver<Message>,
    pub(super) snapshots: watch::Sender<Snapshot>,
    /// What is out: it ends with the driver.
    pub(super) tasks: JoinSet<Completion>,
    pub(super) next_poll: Instant,
    /// Whether somebody is out to look at the files; a file system may hang.
    pub(super) polling_files: bool,
    /// The files as they were at the last login, and when they were last looked at.
    pub(super) files_at_login: Fingerprints,
    pub(super) files_last_seen: Fingerprints,
}

/// What the driver wakes up for.
enum Wakeup {
    /// A request has ended.
    Completed(Completion),
    /// The machine has something to do.
    Due,
    /// The next [`BEAT`].
    Poll,
    /// A message, or the end of the last clone.
    Message(Option<Message>),
}

impl Driver {
    /// A driver that does nothing before it is run.
    pub(crate) fn new(work: Requests, config: Config) -> (Self, DriverHandle) {
        let (inbox, messages) = mpsc::unbounded_channel();
        let (news, published) = watch::channel(Snapshot::empty());
        let shared = Arc::new(Shared::new());
        let driver = Self {
            machine: TokenMachine::new(config),
            requests: Arc::new(work),
            shared: Arc::clone(&shared),
            messages,
            snapshots: news,
            tasks: JoinSet::new(),
            next_poll: Instant::now(),
            polling_files: false,
            files_at_login: Fingerprints::new(),
            files_last_seen: Fingerprints::new(),
        };
        (driver, DriverHandle { shared, messages: inbox, snapshots: published })
    }

    /// Lives until it is told to end.
    pub(crate) async fn run(mut self) {
        self.next_poll = Instant::now() + POLL_INTERVAL;
        self.apply(Event::Start);
        loop {
            match self.next_wakeup().await {
                Wakeup::Completed(done) => self.complete(done),
                Wakeup::Due => self.apply(Event::Tick),
                Wakeup::Poll => self.poll(),
                Wakeup::Message(None) => return,
                Wakeup::Message(Some(message)) => match message {
                    Message::ShutDown { revoke, done } => {
                        return self.shut_down(revoke, done).await;
                    }
                    Message::Denied(denial) => self.apply(Event::Denied(denial)),
                    Message::UsesLow { generation, exhausted: up } => {
                        self.apply(Event::UsesLow { generation, exhausted: up })
                    }
                    Message::Reload => self.apply(Event::CredentialChanged { log_in_now: true }),
                },
            }
        }
    }

    /// Waits for whatever comes first. Messages come last, because callers can send many.
    async fn next_wakeup(&mut self) -> Wakeup {
        let due = self.machine.next_wakeup();
        let at = due.map_or(self.next_poll, |due| due.min(self.next_poll));
        let mut sleep = pin!(sleep_until(at));
        poll_fn(|context| {
            if let Poll::Ready(Some(done)) = self.tasks.poll_join_next(context) {
                // A method is the code of another crate, and may panic.
                return Poll::Ready(Wakeup::Completed(
                    done.unwrap_or_else(|_| Completion::panicked()),
                ));
            }
            if sleep.as_mut().poll(context).is_ready() {
                return Poll::Ready(if due == Some(at) { Wakeup::Due } else { Wakeup::Poll });
            }
            self.messages.poll_recv(context).map(Wakeup::Message)
        })
        .await
    }

    /// Takes in what a request came to.
    fn complete(&mut self, done: Completion) {
        match done {
            Completion::Login { fingerprints: stamps, event } => {
                self.files_at_login =
                    stamps.unwrap_or_else(|| std::mem::take(&mut self.files_at_login));
                self.apply(event);
            }
            Completion::Event(event) => self.apply(event),
            Completion::Files(stamps) => self.compare_files(stamps),
            Completion::Panicked(event) => {
                self.polling_files = false;
                self.apply(event);
            }
            Completion::Nothing => {}
        }
    }

    /// Applies an event to the machine, and sends the requests that it asks for.
    fn apply(&mut self, event: Event) {
        debug!(?event, "token");
        self.requests.reporter.event(&event);
        let before = self.machine.state();
        let at = Moment { now: Instant::now(), jitter: fastrand::f64() };
        let (news, reporter) = (&self.snapshots, &self.requests.reporter);
        let report = |life: &TokenMachine| {
            let snapshot = life.snapshot();
            reporter.snapshot(before, &snapshot, Instant::now());
            news.send_replace(snapshot);
        };
        let settle = |outcome: Outcome, seen| drop(outcome.send_replace(Some(seen)));
        let actions = self.shared.apply(&mut self.machine, event, at, report, settle);
        if matches!(self.machine.state(), State::Rejected | State::Degraded) {
            self.next_poll = self.next_poll.min(at.now + POLL_INTERVAL_FAILING);
        }
        for action in actions {
            let work = Arc::clone(&self.requests);
            self.tasks.spawn(async move { work.run(action).await });
        }
    }

    fn poll(&mut self) {
        let snapshot = self.machine.snapshot();
        let beat = if snapshot.error.is_some() { POLL_INTERVAL_FAILING } else { POLL_INTERVAL };
        self.next_poll = Instant::now() + beat;
        self.requests.reporter.expiry(&snapshot, Instant::now());
        if !self.polling_files && !self.requests.method.files().is_empty() {
            self.polling_files = true;
            let work = Arc::clone(&self.requests);
            self.tasks.spawn(async move { Completion::Files(work.fingerprints().await) });
        }
    }

    /// A file counts as changed when it has been left alone since it was last looked at.
    fn compare_files(&mut self, stamps: Option<Fingerprints>) {
        self.polling_files = false;
        let Some(stamps) = stamps else { return };
        let settled = stamps == self.files_last_seen;
        self.files_last_seen = stamps;
        if settled && self.files_last_seen != self.files_at_login {
            self.apply(Event::CredentialChanged {
                log_in_now: self.requests.method.logs_in_on_file_change(),
            });
        }
    }
}
