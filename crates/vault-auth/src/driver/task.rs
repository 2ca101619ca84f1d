//! The task that owns the token machine.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::handle::{DriverHandle, Message, Outcome};
use super::requests::{Completion, Requests};
use crate::credential::watch::Fingerprints;
use crate::log::debug;
use crate::machine::{Config, Event, Moment, TokenMachine};
use crate::shared::Shared;
use crate::status::{Snapshot, State};

/// The interval at which files are checked for changes and the token's TTL is recorded.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// The interval while no login succeeds. A new credential is then used about a second after it was
/// written.
const POLL_INTERVAL_FAILING: Duration = Duration::from_millis(500);

/// The state of the task.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(super) machine: TokenMachine,
    pub(super) requests: Arc<Requests>,
    pub(super) shared: Arc<Shared<Outcome>>,
    pub(super) messages: mpsc::UnboundedReceiver<Message>,
    pub(super) snapshots: watch::Sender<Snapshot>,
    /// The requests in flight, which are aborted when the driver is dropped.
    pub(super) tasks: JoinSet<Completion>,
    next_poll: Instant,
    /// Whether a check of the files is in progress. It takes long if their file system hangs.
    polling_files: bool,
    files_at_login: Fingerprints,
    files_at_last_poll: Fingerprints,
}

/// A reason for the driver to wake up.
enum Wakeup {
    /// A request has completed.
    Completed(Box<Completion>),
    /// The machine's next wakeup was reached.
    Due,
    /// The next poll was reached.
    Poll,
    /// A message arrived, or `None` if the last clone of the token source was dropped.
    Message(Option<Message>),
}

impl Driver {
    /// Creates a driver, which does nothing before [`run`](Self::run), and its handle.
    pub(crate) fn new(requests: Requests, config: Config) -> (Self, DriverHandle) {
        let (message_sender, messages) = mpsc::unbounded_channel();
        let (snapshots, snapshot_receiver) = watch::channel(Snapshot::empty());
        let shared = Arc::new(Shared::new());
        let driver = Self {
            machine: TokenMachine::new(config),
            requests: Arc::new(requests),
            shared: Arc::clone(&shared),
            messages,
            snapshots,
            tasks: JoinSet::new(),
            next_poll: Instant::now(),
            polling_files: false,
            files_at_login: Fingerprints::new(),
            files_at_last_poll: Fingerprints::new(),
        };
        let handle =
            DriverHandle { shared, messages: message_sender, snapshots: snapshot_receiver };
        (driver, handle)
    }

    /// Runs until it is shut down or the last clone of the token source is dropped.
    pub(crate) async fn run(mut self) {
        self.next_poll = Instant::now() + POLL_INTERVAL;
        self.apply(Event::Start);
        loop {
            match self.next_wakeup().await {
                Wakeup::Completed(completion) => self.complete(*completion),
                Wakeup::Due => self.apply(Event::Tick),
                Wakeup::Poll => self.poll(),
                Wakeup::Message(None) => return,
                Wakeup::Message(Some(message)) => match message {
                    Message::ShutDown { revoke, done } => {
                        return self.shut_down(revoke, done).await;
                    }
                    Message::Denied(denial) => self.apply(Event::Denied(denial)),
                    Message::UsesLow { generation, exhausted } => {
                        self.apply(Event::UsesLow { generation, exhausted });
                    }
                    Message::Reload => self.apply(Event::CredentialChanged { log_in_now: true }),
                },
            }
        }
    }

    /// Waits for the next wakeup. Messages have the lowest priority, because callers can send many.
    async fn next_wakeup(&mut self) -> Wakeup {
        let due = self.machine.next_wakeup();
        let at = due.map_or(self.next_poll, |due| due.min(self.next_poll));
        let mut sleep = pin!(sleep_until(at));
        poll_fn(|context| {
            if let Poll::Ready(Some(joined)) = self.tasks.poll_join_next(context) {
                // A method is code of the caller and may panic.
                let completion = joined.unwrap_or_else(|_| Completion::panicked());
                return Poll::Ready(Wakeup::Completed(Box::new(completion)));
            }
            if sleep.as_mut().poll(context).is_ready() {
                return Poll::Ready(if due == Some(at) { Wakeup::Due } else { Wakeup::Poll });
            }
            self.messages.poll_recv(context).map(Wakeup::Message)
        })
        .await
    }

    /// Processes the result of a request.
    fn complete(&mut self, completion: Completion) {
        match completion {
            Completion::Login { fingerprints, event } => {
                if let Some(fingerprints) = fingerprints {
                    self.files_at_login = fingerprints;
                }
                self.apply(event);
            }
            Completion::Event(event) => self.apply(event),
            Completion::Files(fingerprints) => self.compare_files(fingerprints),
            Completion::Panicked(event) => {
                self.polling_files = false;
                self.apply(event);
            }
            Completion::Nothing => {}
        }
    }

    /// Applies an event to the machine, publishes the new state and performs the actions.
    fn apply(&mut self, event: Event) {
        debug!(?event, "token event");
        self.requests.reporter.event(&event);
        let before = self.machine.state();
        let at = Moment { now: Instant::now(), jitter: fastrand::f64() };
        let (snapshots, reporter) = (&self.snapshots, &self.requests.reporter);
        let publish = |machine: &TokenMachine| {
            let snapshot = machine.snapshot();
            reporter.snapshot(before, &snapshot, Instant::now());
            snapshots.send_replace(snapshot);
        };
        let resolve = |outcome: Outcome, liveness| drop(outcome.send_replace(Some(liveness)));
        let actions = self.shared.apply(&mut self.machine, event, at, publish, resolve);
        if matches!(self.machine.state(), State::Rejected | State::Degraded) {
            self.next_poll = self.next_poll.min(at.now + POLL_INTERVAL_FAILING);
        }
        for action in actions {
            let requests = Arc::clone(&self.requests);
            self.tasks.spawn(async move { requests.perform(action).await });
        }
    }

    /// Records the token's TTL, and starts a check of the files.
    fn poll(&mut self) {
        let snapshot = self.machine.snapshot();
        let interval = if snapshot.error.is_some() { POLL_INTERVAL_FAILING } else { POLL_INTERVAL };
        self.next_poll = Instant::now() + interval;
        self.requests.reporter.ttl(&snapshot, Instant::now());
        if !self.polling_files && !self.requests.method.files().is_empty() {
            self.polling_files = true;
            let requests = Arc::clone(&self.requests);
            self.tasks.spawn(async move { Completion::Files(requests.fingerprints().await) });
        }
    }

    /// Reports a change of the files, once they are the same as in the last poll: a file that is
    /// still being written is not read.
    fn compare_files(&mut self, fingerprints: Option<Fingerprints>) {
        self.polling_files = false;
        let Some(fingerprints) = fingerprints else { return };
        let is_stable = fingerprints == self.files_at_last_poll;
        self.files_at_last_poll = fingerprints;
        if is_stable && self.files_at_last_poll != self.files_at_login {
            let log_in_now = self.requests.method.logs_in_on_file_change();
            self.apply(Event::CredentialChanged { log_in_now });
        }
    }
}
