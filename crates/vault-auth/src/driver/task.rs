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

use super::handle::{Message, Outcome, Reins};
use super::requests::{Done, Work};
use crate::credential::watch::Stamps;
use crate::machine::{Config, Event, Life, Moment};
use crate::shared::Shared;
use crate::status::{Snapshot, State};

/// How often files are checked for changes, and the time to the token's end is reported.
const BEAT: Duration = Duration::from_secs(2);
/// The same while no login succeeds: a new credential is in use about a second after it was written.
const BEAT_IN_TROUBLE: Duration = Duration::from_millis(500);

/// The task's own state.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(super) life: Life,
    pub(super) work: Arc<Work>,
    pub(super) shared: Arc<Shared<Outcome>>,
    pub(super) inbox: mpsc::UnboundedReceiver<Message>,
    pub(super) news: watch::Sender<Snapshot>,
    /// What is out: it ends with the driver.
    pub(super) tasks: JoinSet<Done>,
    pub(super) next_beat: Instant,
    /// Whether somebody is out to look at the files; a file system may hang.
    pub(super) looking: bool,
    /// The files as they were at the last login, and when they were last looked at.
    pub(super) at_login: Stamps,
    pub(super) last_seen: Stamps,
}

/// What the driver wakes up for.
enum Wakeup {
    /// A request has ended.
    Done(Done),
    /// The machine has something to do.
    Due,
    /// The next [`BEAT`].
    Beat,
    /// A message, or the end of the last clone.
    Message(Option<Message>),
}

impl Driver {
    /// A driver that does nothing before it is run.
    pub(crate) fn new(work: Work, config: Config) -> (Self, Reins) {
        let (inbox, messages) = mpsc::unbounded_channel();
        let (news, published) = watch::channel(Snapshot::empty());
        let shared = Arc::new(Shared::new());
        let driver = Self {
            life: Life::new(config),
            work: Arc::new(work),
            shared: Arc::clone(&shared),
            inbox: messages,
            news,
            tasks: JoinSet::new(),
            next_beat: Instant::now(),
            looking: false,
            at_login: Stamps::new(),
            last_seen: Stamps::new(),
        };
        (driver, Reins { shared, inbox, news: published })
    }

    /// Lives until it is told to end.
    pub(crate) async fn run(mut self) {
        self.next_beat = Instant::now() + BEAT;
        self.tell(Event::Start);
        loop {
            match self.next().await {
                Wakeup::Done(done) => self.done(done),
                Wakeup::Due => self.tell(Event::Tick),
                Wakeup::Beat => self.beat(),
                Wakeup::Message(None) => return,
                Wakeup::Message(Some(message)) => match message {
                    Message::ShutDown { revoke, done } => return self.end(revoke, done).await,
                    Message::Denied(denial) => self.tell(Event::Denied(denial)),
                    Message::Used { generation, up } => self.tell(Event::Used { generation, up }),
                    Message::Reload => self.tell(Event::CredentialChanged { log_in: true }),
                },
            }
        }
    }

    /// Waits for whatever comes first. Messages come last, because callers can send many.
    async fn next(&mut self) -> Wakeup {
        let due = self.life.due();
        let at = due.map_or(self.next_beat, |due| due.min(self.next_beat));
        let mut sleep = pin!(sleep_until(at));
        poll_fn(|context| {
            if let Poll::Ready(Some(done)) = self.tasks.poll_join_next(context) {
                // A method is the code of another crate, and may panic.
                return Poll::Ready(Wakeup::Done(done.unwrap_or_else(|_| Done::panicked())));
            }
            if sleep.as_mut().poll(context).is_ready() {
                return Poll::Ready(if due == Some(at) { Wakeup::Due } else { Wakeup::Beat });
            }
            self.inbox.poll_recv(context).map(Wakeup::Message)
        })
        .await
    }

    /// Takes in what a request came to.
    fn done(&mut self, done: Done) {
        match done {
            Done::Login { stamps, event } => {
                self.at_login = stamps.unwrap_or_else(|| std::mem::take(&mut self.at_login));
                self.tell(event);
            }
            Done::Event(event) => self.tell(event),
            Done::Files(stamps) => self.files(stamps),
            Done::Panicked(event) => {
                self.looking = false;
                self.tell(event);
            }
            Done::Nothing => {}
        }
    }

    /// Applies an event to the machine, and sends the requests that it asks for.
    fn tell(&mut self, event: Event) {
        debug!(?event, "token");
        self.work.reporter.event(&event);
        let before = self.life.state();
        let at = Moment { now: Instant::now(), chance: fastrand::f64() };
        let (news, reporter) = (&self.news, &self.work.reporter);
        let report = |life: &Life| {
            let snapshot = life.snapshot();
            reporter.snapshot(before, &snapshot, Instant::now());
            news.send_replace(snapshot);
        };
        let settle = |outcome: Outcome, seen| drop(outcome.send_replace(Some(seen)));
        let actions = self.shared.apply(&mut self.life, event, at, report, settle);
        if matches!(self.life.state(), State::Rejected | State::Degraded) {
            self.next_beat = self.next_beat.min(at.now + BEAT_IN_TROUBLE);
        }
        for action in actions {
            let work = Arc::clone(&self.work);
            self.tasks.spawn(async move { work.run(action).await });
        }
    }

    fn beat(&mut self) {
        let snapshot = self.life.snapshot();
        let beat = if snapshot.error.is_some() { BEAT_IN_TROUBLE } else { BEAT };
        self.next_beat = Instant::now() + beat;
        self.work.reporter.expiry(&snapshot, Instant::now());
        if !self.looking && !self.work.method.files().is_empty() {
            self.looking = true;
            let work = Arc::clone(&self.work);
            self.tasks.spawn(async move { Done::Files(work.stamps().await) });
        }
    }

    /// A file counts as changed when it has been left alone since it was last looked at.
    fn files(&mut self, stamps: Option<Stamps>) {
        self.looking = false;
        let Some(stamps) = stamps else { return };
        let settled = stamps == self.last_seen;
        self.last_seen = stamps;
        if settled && self.last_seen != self.at_login {
            self.tell(Event::CredentialChanged {
                log_in: self.work.method.logs_in_on_file_change(),
            });
        }
    }
}
