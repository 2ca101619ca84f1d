//! A token machine, the server, callers and the requests between them, on virtual time.

use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Denial, Error, ErrorKind, Generation, IssuedToken};

use super::server::{Behavior, MAX_BEHAVIORS, Role, Server};
use crate::machine::event::LoginFailure;
use crate::machine::{Action, Config, Event, Liveness, Moment, RenewalFailure, TokenMachine};

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) machine: TokenMachine,
    pub(super) server: Server,
    rng: fastrand::Rng,
    /// The events of requests in flight, and when they arrive.
    pending: Vec<(Instant, Event)>,
    /// When logins and renewals reached the server.
    pub(super) attempts: Vec<Instant>,
    pub(super) probes: Vec<Instant>,
    last_generation: Generation,
    /// Whether callers request a path that is denied.
    pub(super) calls_denied_path: bool,
}

impl World {
    pub(super) fn new(role: Role, seed: u64) -> Self {
        let locks_out = seed.is_multiple_of(2);
        let config = Config { revoke_replaced: true, repeatable: true, locks_out };
        Self {
            now: Instant::now(),
            machine: TokenMachine::new(config),
            server: Server::new(role),
            rng: fastrand::Rng::with_seed(seed),
            pending: Vec::new(),
            attempts: Vec::new(),
            probes: Vec::new(),
            last_generation: Generation::default(),
            calls_denied_path: false,
        }
    }

    pub(super) fn apply(&mut self, event: Event) {
        let at = Moment { now: self.now, jitter: self.rng.f64() };
        let actions = self.machine.handle(event, at);
        for action in actions {
            self.perform(action);
        }
        self.assert_invariants();
    }

    fn perform(&mut self, action: Action) {
        let (now, behavior) = (self.now, self.server.behavior);
        let latency = match behavior {
            Behavior::Slow(seconds) => Duration::from_secs(seconds.into()),
            _ => Duration::from_millis(self.rng.u64(1..50)),
        };
        let event = match action {
            Action::LogIn => {
                self.attempts.extend((behavior != Behavior::Down).then_some(now));
                self.log_in(now)
            }
            Action::Probe => {
                self.probes.push(now);
                Event::Probed { can_log_in: behavior != Behavior::Down }
            }
            Action::Renew { issued, increment, .. } => {
                self.attempts.extend((behavior != Behavior::Down).then_some(now));
                self.renew(&issued, increment)
            }
            Action::LookUp(issued) => {
                let unknown = || Liveness::Unknown(Error::new(ErrorKind::Unreachable, "look up"));
                let liveness = match behavior {
                    Behavior::Down | Behavior::LosesResponses => unknown(),
                    _ if self.server.is_valid(&issued.token, now) => Liveness::Alive,
                    _ => Liveness::Dead,
                };
                Event::LookedUp { generation: issued.generation, liveness }
            }
            Action::Revoke(token) => {
                self.server.tokens.remove(token.expose());
                return;
            }
            Action::ResolveDenial { .. } => return,
        };
        self.pending.push((now + latency, event));
    }

    fn log_in(&mut self, sent_at: Instant) -> Event {
        let failed = |kind| Event::LoginFailed(Error::new(kind, "log in").into());
        match self.server.behavior {
            Behavior::Down => failed(ErrorKind::Unreachable),
            Behavior::LosesResponses => {
                let lost = self.server.log_in(sent_at).token;
                let (expiry, _) = self.server.tokens.remove(lost.expose()).unwrap();
                self.server.lost.push_back(expiry);
                self.server.lost_at.push(sent_at);
                failed(ErrorKind::Interrupted)
            }
            Behavior::RefusesLogins => Event::LoginFailed(LoginFailure {
                refused: true,
                ..LoginFailure::from(Error::new(ErrorKind::LoginRefused, "log in"))
            }),
            // The driver's timeout is ten seconds.
            Behavior::Slow(10..) => failed(ErrorKind::Timeout),
            _ => Event::LoggedIn { login: self.server.log_in(sent_at), sent_at },
        }
    }

    fn renew(&mut self, issued: &IssuedToken, increment: Duration) -> Event {
        let generation = issued.generation;
        let failed = |failure| Event::RenewalFailed { generation, failure };
        let now = self.now;
        match self.server.behavior {
            Behavior::Down => failed(RenewalFailure::NoActiveNode),
            Behavior::LosesResponses | Behavior::Slow(10..) => failed(RenewalFailure::Unavailable),
            _ if !self.server.is_valid(&issued.token, now) => failed(RenewalFailure::Dead),
            Behavior::FailsRenewals(0) => failed(RenewalFailure::Forbidden),
            Behavior::FailsRenewals(1) => failed(RenewalFailure::NotRenewable),
            Behavior::FailsRenewals(_) => failed(RenewalFailure::Refused),
            _ => match self.server.renew(&issued.token, increment, now) {
                Some(renewal) if renewal.lease.is_zero() => failed(RenewalFailure::Refused),
                Some(renewal) => Event::Renewed { generation, renewal, sent_at: now },
                None => failed(RenewalFailure::Dead),
            },
        }
    }

    /// Sends a caller's request with the active token.
    fn call(&mut self) {
        let Some(active) = &self.machine.active else { return };
        let behavior = self.server.behavior;
        let is_reached = !matches!(behavior, Behavior::Down | Behavior::LosesResponses);
        let generation = active.generation();
        if is_reached && !self.server.is_valid(&active.issued.token, self.now) {
            let token_invalid = self.rng.bool();
            self.apply(Event::Denied(Denial::new(generation, token_invalid)));
        } else if is_reached && self.calls_denied_path {
            self.apply(Event::Denied(Denial::new(generation, false)));
        }
    }

    /// Advances the time. Callers send fifty requests, but at most one a second.
    pub(super) fn advance(&mut self, seconds: u64) {
        let call_interval = Duration::from_secs((seconds / 50).max(1));
        let until = self.now + Duration::from_secs(seconds);
        let mut next_call = self.now;
        while self.now < until {
            let next_event = self.pending.iter().map(|(at, _)| *at).min();
            let wakeup = self.machine.next_wakeup();
            let next = [next_event, wakeup, Some(next_call)].into_iter().flatten().min();
            self.now = next.unwrap_or(until).clamp(self.now, until);
            if let Some(index) = self.pending.iter().position(|(at, _)| *at <= self.now) {
                let (_, event) = self.pending.remove(index);
                self.apply(event);
            } else if wakeup.is_some_and(|wakeup| wakeup <= self.now) {
                self.apply(Event::Tick);
            } else if next_call <= self.now {
                self.call();
                next_call = self.now + call_interval;
            }
        }
    }

    fn assert_invariants(&mut self) {
        let (now, machine) = (self.now, &self.machine);
        if let Some(active) = &machine.active {
            let usable_until = active.usable_until();
            assert!(usable_until.is_none_or(|until| now < until), "an expired token is active");
        }
        assert!(machine.generation >= self.last_generation, "generations never decrease");
        self.last_generation = machine.generation;
        let is_login =
            |event: &Event| matches!(event, Event::LoggedIn { .. } | Event::LoginFailed(_));
        let logins = self.pending.iter().filter(|(_, event)| is_login(event)).count();
        assert!(logins <= 1, "{logins} logins in flight");
        self.server.tokens.retain(|_, (expiry, _)| now < *expiry);
        let valid = self.server.tokens.len();
        // The third is one whose login response is in flight.
        assert!(valid <= 3, "{valid} valid tokens");
        while self.server.lost.pop_front_if(|expiry| *expiry <= now).is_some() {}
        // Six for each minute of a lease, and the first of each outage, because short leases are
        // exempt from the budget until something fails.
        let minutes = usize::try_from(self.server.role.lease / 60 + 1).unwrap();
        let lost = self.server.lost.len();
        assert!(lost <= 6 * minutes + MAX_BEHAVIORS, "{lost} valid tokens were lost");
    }

    /// Returns whether the server accepts the active token.
    pub(super) fn is_usable(&self) -> bool {
        let active = self.machine.active.as_ref();
        active.is_some_and(|active| self.server.is_valid(&active.issued.token, self.now))
    }

    /// Returns the maximum number of logins and renewals in any minute.
    pub(super) fn max_in_a_minute(&self) -> usize {
        max_within(&self.attempts, Duration::from_secs(60))
    }
}

/// Returns the maximum number of these times in any window of this length.
pub(super) fn max_within(times: &[Instant], window: Duration) -> usize {
    let after =
        |from: &Instant| times.iter().filter(|at| *at >= from && **at < *from + window).count();
    times.iter().map(after).max().unwrap_or_default()
}
