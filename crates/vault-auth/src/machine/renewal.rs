//! The part of a token's life that is about renewals.

use tokio::time::Instant;
use vault_http::Generation;

use super::event::{Action, Renewal, RenewalFailure};
use super::timing::{self, MAX_BACKOFF_WITH_TOKEN};
use super::token_machine::{InFlight, Moment, TokenMachine, has_short_lease};

impl TokenMachine {
    /// Asks for as much as the token came with: less would shorten its life.
    pub(super) fn renew(&mut self, at: Moment) {
        self.renew_at = None;
        let Some(held) = &self.active else { return };
        let Some(increment) = held.increment else { return };
        let within = timing::renewal_timeout(at.now, held.usable_until());
        let (lease, free) =
            (held.issued.clone(), has_short_lease(held) && self.consecutive_failures == 0);
        if let Err(next) = self.spend_budget(free, at) {
            self.renew_at = Some(next);
            return;
        }
        self.in_flight = Some(InFlight::Renewal);
        self.actions.push(Action::Renew { issued: lease, increment, timeout: within });
    }

    pub(super) fn renewed(
        &mut self,
        generation: Generation,
        renewal: Renewal,
        asked: Instant,
        at: Moment,
    ) {
        if !(self.is_active(generation) && self.complete(InFlight::Renewal)) {
            return;
        }
        self.counts.renewals += 1;
        (self.consecutive_failures, self.consecutive_forbidden, self.problem) = (0, 0, None);
        if let Some(held) = &mut self.active {
            held.renewed(renewal.lease, renewal.capped, asked);
        }
        self.schedule(at);
    }

    pub(super) fn renewal_failed(
        &mut self,
        generation: Generation,
        why: &RenewalFailure,
        at: Moment,
    ) {
        if !(self.is_active(generation) && self.complete(InFlight::Renewal)) {
            return;
        }
        match why {
            RenewalFailure::Dead => return self.drop_dead_token(generation, at),
            RenewalFailure::Unavailable => self.counts.failures += 1,
            RenewalFailure::NoActiveNode => {
                self.counts.failures += 1;
                self.refund_budget();
            }
            _ => self.counts.refusals += 1,
        }
        self.consecutive_failures = self.consecutive_failures.saturating_add(1);
        match why {
            RenewalFailure::Forbidden => {
                self.consecutive_forbidden += 1;
                self.stop_renewing();
            }
            RenewalFailure::NotRenewable => self.stop_renewing(),
            RenewalFailure::Refused if self.consecutive_failures > 1 => {
                self.stop_renewing();
                self.log_in(at, false);
            }
            // The login's own moment, at 0.8 of the lease, comes before a renewal that waits longer.
            RenewalFailure::Refused
            | RenewalFailure::Unavailable
            | RenewalFailure::NoActiveNode
            | RenewalFailure::Dead => {
                let wait =
                    timing::backoff(self.consecutive_failures, MAX_BACKOFF_WITH_TOKEN, at.jitter);
                self.renew_at = Some(at.now + wait);
            }
        }
    }

    /// Lives on to the login that is planned.
    fn stop_renewing(&mut self) {
        (self.renew_at, self.consecutive_failures) = (None, 0);
        if let Some(held) = &mut self.active {
            held.renewable = false;
        }
    }
}
