//! The part of a token's life that is about renewals.

use tokio::time::Instant;
use vault_http::Generation;

use super::event::{Action, Renewal, Unrenewed};
use super::timing::{self, LONGEST_WAIT_IN_USE};
use super::token_machine::{Flight, Life, Moment, is_short};

impl Life {
    /// Asks for as much as the token came with: less would shorten its life.
    pub(super) fn renew(&mut self, at: Moment) {
        self.renew_at = None;
        let Some(held) = &self.held else { return };
        let Some(increment) = held.full else { return };
        let within = timing::renewal_timeout(at.now, held.end());
        let (lease, free) = (held.lease.clone(), is_short(held) && self.failures == 0);
        if let Err(next) = self.spend(free, at) {
            self.renew_at = Some(next);
            return;
        }
        self.flight = Some(Flight::Renewal);
        self.actions.push(Action::Renew { lease, increment, within });
    }

    pub(super) fn renewed(
        &mut self,
        generation: Generation,
        renewal: Renewal,
        asked: Instant,
        at: Moment,
    ) {
        if !(self.holds(generation) && self.landed(Flight::Renewal)) {
            return;
        }
        self.counts.renewals += 1;
        (self.failures, self.forbidden, self.trouble) = (0, 0, None);
        if let Some(held) = &mut self.held {
            held.renewed(renewal.lease, renewal.capped, asked);
        }
        self.plan(at);
    }

    pub(super) fn unrenewed(&mut self, generation: Generation, why: &Unrenewed, at: Moment) {
        if !(self.holds(generation) && self.landed(Flight::Renewal)) {
            return;
        }
        match why {
            Unrenewed::Dead => return self.died(generation, at),
            Unrenewed::Unasked => self.counts.failures += 1,
            Unrenewed::Unreached => {
                self.counts.failures += 1;
                self.refund();
            }
            _ => self.counts.refusals += 1,
        }
        self.failures = self.failures.saturating_add(1);
        match why {
            Unrenewed::Forbidden => {
                self.forbidden += 1;
                self.give_up_renewals();
            }
            Unrenewed::Impossible => self.give_up_renewals(),
            Unrenewed::Refused if self.failures > 1 => {
                self.give_up_renewals();
                self.log_in(at, false);
            }
            // The login's own moment, at 0.8 of the lease, comes before a renewal that waits longer.
            Unrenewed::Refused | Unrenewed::Unasked | Unrenewed::Unreached | Unrenewed::Dead => {
                let wait = timing::backoff(self.failures, LONGEST_WAIT_IN_USE, at.chance);
                self.renew_at = Some(at.now + wait);
            }
        }
    }

    /// Lives on to the login that is planned.
    fn give_up_renewals(&mut self) {
        (self.renew_at, self.failures) = (None, 0);
        if let Some(held) = &mut self.held {
            held.renewable = false;
        }
    }
}
