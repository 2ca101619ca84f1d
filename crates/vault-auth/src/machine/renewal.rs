//! Renewals: when one is made, and what follows from its result.

use tokio::time::Instant;
use vault_http::Generation;

use super::event::{Action, Moment, Renewal, RenewalFailure};
use super::timing::{self, MAX_BACKOFF_WITH_TOKEN};
use super::token_machine::{InFlight, TokenMachine, has_short_lease};

impl TokenMachine {
    /// Renews the active token by its full lease. Requesting less would shorten its life.
    pub(super) fn renew(&mut self, at: Moment) {
        self.renew_at = None;
        let Some(active) = &self.active else { return };
        let Some(increment) = active.increment else { return };
        let timeout = timing::renewal_timeout(at.now, active.usable_until());
        let issued = active.issued.clone();
        let exempt = has_short_lease(active) && self.consecutive_failures == 0;
        if let Err(next) = self.budget.spend(exempt, at.now) {
            self.renew_at = Some(next);
            return;
        }
        self.in_flight = Some(InFlight::Renewal);
        self.actions.push(Action::Renew { issued, increment, timeout });
    }

    pub(super) fn renewed(
        &mut self,
        generation: Generation,
        renewal: Renewal,
        sent_at: Instant,
        at: Moment,
    ) {
        if !(self.is_active(generation) && self.complete(InFlight::Renewal)) {
            return;
        }
        self.counts.renewals += 1;
        (self.consecutive_failures, self.consecutive_forbidden, self.problem) = (0, 0, None);
        if let Some(active) = &mut self.active {
            active.renewed(renewal.lease, renewal.capped, sent_at);
        }
        self.schedule(at);
    }

    pub(super) fn renewal_failed(
        &mut self,
        generation: Generation,
        failure: &RenewalFailure,
        at: Moment,
    ) {
        if !(self.is_active(generation) && self.complete(InFlight::Renewal)) {
            return;
        }
        match failure {
            RenewalFailure::Dead => return self.drop_dead_token(generation, at),
            RenewalFailure::Unavailable => self.counts.failures += 1,
            RenewalFailure::NoActiveNode => {
                self.counts.failures += 1;
                self.budget.refund();
            }
            RenewalFailure::Forbidden | RenewalFailure::NotRenewable | RenewalFailure::Refused => {
                self.counts.refusals += 1;
            }
        }
        self.consecutive_failures = self.consecutive_failures.saturating_add(1);
        match failure {
            RenewalFailure::Forbidden => {
                self.consecutive_forbidden += 1;
                self.stop_renewing();
            }
            RenewalFailure::NotRenewable => self.stop_renewing(),
            RenewalFailure::Refused if self.consecutive_failures > 1 => {
                self.stop_renewing();
                self.log_in(at, false);
            }
            // The scheduled login, at 0.8 of the lease, comes before a renewal with a longer delay.
            RenewalFailure::Refused
            | RenewalFailure::Unavailable
            | RenewalFailure::NoActiveNode
            | RenewalFailure::Dead => {
                let failures = self.consecutive_failures;
                let delay = timing::backoff(failures, MAX_BACKOFF_WITH_TOKEN, at.jitter);
                self.renew_at = Some(at.now + delay);
            }
        }
    }

    /// Uses the active token without renewals until the scheduled login.
    fn stop_renewing(&mut self) {
        (self.renew_at, self.consecutive_failures) = (None, 0);
        if let Some(active) = &mut self.active {
            active.renewable = false;
        }
    }
}
