//! The part of a token's life that is about a 403: is the token dead, or the path denied?

use std::time::Duration;

use vault_http::{Denial, Generation};

use super::event::{Action, Seen};
use super::{Life, Moment};

/// A token that was found alive is not looked up again before this.
const CONFIRMED_FOR: Duration = Duration::from_secs(5);

impl Life {
    pub(super) fn denied(&mut self, denial: Denial, at: Moment) {
        let Denial { generation, token_invalid } = denial;
        let Some(held) = self.held.as_ref().filter(|held| held.generation() == generation) else {
            // Another token has taken its place, or is about to.
            return self.settle(generation, Seen::Dead);
        };
        if token_invalid {
            self.died(generation, at);
            return self.settle(generation, Seen::Dead);
        }
        let confirmed = self.confirmed.is_some_and(|(known, seen)| {
            known == generation && at.now.duration_since(seen) < CONFIRMED_FOR
        });
        // A look-up would cost a use. One that is dead without our knowledge ends with its count.
        if confirmed || held.uses.is_some() {
            return self.settle(generation, Seen::Alive);
        }
        if self.settling != Some(generation) {
            self.settling = Some(generation);
            self.actions.push(Action::LookUp(held.lease.clone()));
        }
    }

    pub(super) fn looked_up(&mut self, generation: Generation, seen: Seen, at: Moment) {
        self.settling = None;
        let seen = if self.holds(generation) { seen } else { Seen::Dead };
        match seen {
            Seen::Alive => self.confirmed = Some((generation, at.now)),
            Seen::Dead => self.died(generation, at),
            Seen::Unknown(_) => {}
        }
        self.settle(generation, seen);
    }

    /// Drops the token of this generation, and no newer one.
    pub(super) fn died(&mut self, generation: Generation, at: Moment) {
        if let Some(dead) = self.held.take_if(|held| held.generation() == generation) {
            self.counts.deaths += 1;
            self.dead = Some(dead.lease.token);
            self.replace_lost(false, at);
        }
    }

    fn settle(&mut self, generation: Generation, seen: Seen) {
        self.actions.push(Action::Settle { generation, seen });
    }
}
