//! Whether the server can serve requests: during an outage, one request probes and the others wait.
//!
//! After a response such as "sealed", "no leader", "upgrading" or a rate limit, every other request
//! would fail in the same way. Therefore one request at a time is sent as a probe, with backoff, and
//! the others wait for its outcome until their deadlines. Whether a failed request is retried at all
//! is decided by [`super::retry`].

#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::retry::backoff;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};

/// An outage that begins within this time after the end of the last one continues its backoff.
const SAME_OUTAGE: Duration = Duration::from_secs(1);

/// The availability of the server, as the requests of one traffic class have observed it.
#[derive(Debug, Default)]
pub(super) struct Availability {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    outage: Option<Outage>,
    /// The number of times that an outage has begun or ended. The outcome of a request that was
    /// sent in an earlier epoch is ignored.
    epoch: u64,
    /// The failures and the end of the last outage.
    last: Option<(u32, Instant)>,
}

#[derive(Debug)]
struct Outage {
    error: Error,
    failures: u32,
    next_probe: Instant,
    is_probing: bool,
}

/// The permission to send a request. If the admission of a probe is dropped, another request
/// probes.
#[derive(Debug)]
pub(super) struct Admission<'a> {
    availability: &'a Availability,
    epoch: u64,
    is_probe: bool,
}

impl Availability {
    /// Returns whether an error of `kind` means that other requests would fail in the same way.
    pub(super) fn is_outage(kind: ErrorKind) -> bool {
        matches!(
            kind,
            ErrorKind::Sealed
                | ErrorKind::NoLeader
                | ErrorKind::RateLimited
                // After an election, a standby of OpenBao reports this for every mount.
                | ErrorKind::Upgrading
        )
    }

    /// Waits until the request may be sent, at least `needed` before its deadline.
    ///
    /// # Errors
    /// The error of the last probe, if there is no time for another one before the deadline.
    pub(super) async fn admit(
        &self,
        deadline: Deadline,
        needed: Duration,
    ) -> Result<Admission<'_>, Error> {
        if let Some(admission) = self.admit_if_available() {
            return Ok(admission);
        }
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.step(deadline, needed)? {
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
        let admission = Admission { availability: self, epoch: state.epoch, is_probe: false };
        state.outage.is_none().then_some(admission)
    }

    /// Admits a request even during an outage, for callers that schedule their attempts themselves.
    pub(super) fn admit_at_once(&self) -> Admission<'_> {
        let epoch = self.lock().epoch;
        Admission { availability: self, epoch, is_probe: false }
    }

    fn step(&self, deadline: Deadline, needed: Duration) -> Result<Step<'_>, Error> {
        let mut state = self.lock();
        let epoch = state.epoch;
        let Some(outage) = &mut state.outage else {
            return Ok(Step::Send(Admission { availability: self, epoch, is_probe: false }));
        };
        if deadline.is_before(outage.next_probe + needed) {
            return Err(outage.error.clone());
        }
        if outage.is_probing {
            return Ok(Step::Wait(outage.error.clone()));
        }
        outage.is_probing = true;
        let admission = Admission { availability: self, epoch, is_probe: true };
        Ok(Step::Probe(admission, outage.next_probe))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request that asks for admission does next.
enum Step<'a> {
    Send(Admission<'a>),
    /// Sends the request as a probe, at the given time.
    Probe(Admission<'a>, Instant),
    /// Waits for the probe of another request. Contains the error of the last one.
    Wait(Error),
}

impl Admission<'_> {
    /// Reports the outcome of the request. The jitter is between 0 and 1.
    pub(super) fn report(self, failure: Option<&Error>, jitter: f64) {
        let now = Instant::now();
        let mut state = self.availability.lock();
        if state.epoch != self.epoch {
            return;
        }
        match failure {
            Some(error) if Availability::is_outage(error.kind()) => {
                state.fail(error, self.is_probe, now, jitter);
            }
            // Without a response, it is unknown whether the server can serve requests.
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
        if !self.is_probe {
            return;
        }
        let mut state = self.availability.lock();
        if state.epoch == self.epoch
            && let Some(outage) = &mut state.outage
        {
            outage.is_probing = false;
        }
        drop(state);
        self.availability.changed.notify_waiters();
    }
}

impl State {
    /// Begins an outage, or schedules the next probe of the current one.
    fn fail(&mut self, error: &Error, is_probe: bool, now: Instant, jitter: f64) {
        let failures = match (&self.outage, self.last) {
            // The request was admitted at once, so it does not affect the schedule of the probes.
            (Some(_), _) if !is_probe => return,
            (Some(outage), _) => outage.failures,
            (None, Some((failures, end))) if now < end + SAME_OUTAGE => failures,
            (None, _) => 0,
        };
        if self.outage.is_none() {
            self.epoch += 1;
        }
        let failures = failures.saturating_add(1);
        let next_probe = now + backoff(error, failures, jitter);
        let error = error.clone();
        self.outage = Some(Outage { error, failures, next_probe, is_probing: is_probe });
    }

    /// Ends the outage, and returns whether there was one.
    fn end(&mut self, now: Instant) -> bool {
        let Some(outage) = self.outage.take() else { return false };
        self.last = Some((outage.failures, now));
        self.epoch += 1;
        true
    }
}
