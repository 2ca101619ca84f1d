//! A token that is held, and one that was replaced.

use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Generation, IssuedToken, Token};

use super::timing;
use crate::login::Login;
use crate::status::TokenKind;

/// A replaced token is revoked after this: by then every request that carried it is answered.
const REVOCATION_DELAY: Duration = Duration::from_secs(60);

/// The token that is given out.
#[derive(Debug, Clone)]
pub(crate) struct ActiveToken {
    pub(crate) issued: IssuedToken,
    /// Uses that it came with.
    pub(crate) uses: Option<u32>,
    /// When it was obtained.
    pub(crate) obtained_at: Instant,
    /// Its policies, sorted; `None`: they are not known.
    pub(crate) policies: Option<Vec<String>>,
    /// When another one is to take its place.
    pub(crate) replace_at: Option<Instant>,
    /// Before the request was sent that gave `term`.
    pub(crate) lease_start: Instant,
    /// How long it lives from then; `None`: no end is known.
    pub(crate) lease: Option<Duration>,
    /// The term that it was made with, which renewals ask for again.
    pub(crate) increment: Option<Duration>,
    pub(crate) renewable: bool,
    periodic: bool,
    revocable: bool,
}

impl ActiveToken {
    pub(crate) fn new(login: Login, asked: Instant, generation: Generation) -> Self {
        // A renewal costs a use and answers the original number: who counts does without.
        let lease = login.ttl.filter(|lease| !lease.is_zero());
        let renewable = login.renewable && lease.is_some() && login.uses.is_none();
        Self {
            issued: IssuedToken { token: login.token, generation },
            uses: login.uses,
            obtained_at: asked,
            policies: sorted(login.policies),
            replace_at: None,
            lease_start: asked,
            lease,
            increment: login.renewal_increment.max(lease),
            renewable,
            periodic: login.periodic,
            revocable: login.revocable,
        }
    }

    pub(crate) fn generation(&self) -> Generation {
        self.issued.generation
    }

    /// Returns whether another login's policies are known to differ.
    pub(crate) fn has_other_policies(&self, login: &Login) -> bool {
        self.policies != sorted(login.policies.clone())
    }

    pub(crate) fn is_same_token(&self, token: &Token) -> bool {
        self.issued.token.expose() == token.expose()
    }

    /// When the server ends it, at the earliest.
    pub(crate) fn expires_at(&self) -> Option<Instant> {
        self.lease.and_then(|term| self.lease_start.checked_add(term))
    }

    /// When it is given out no more.
    pub(crate) fn usable_until(&self) -> Option<Instant> {
        timing::usable_until(self.lease_start, self.lease)
    }

    /// Takes a renewal in; `false`: the next one would give less still.
    pub(crate) fn renewed(&mut self, term: Duration, capped: bool, asked: Instant) -> bool {
        let short =
            self.increment.is_some_and(|full| term.as_secs_f64() < 0.9 * full.as_secs_f64());
        (self.lease, self.lease_start) = (Some(term), asked);
        if self.periodic {
            // It gets its role's period of today, whatever is asked for.
            self.increment = self.lease;
        }
        self.renewable = self.periodic || !(capped || short);
        self.renewable
    }

    pub(crate) fn kind(&self) -> TokenKind {
        match (self.lease, self.uses) {
            (_, Some(_)) => TokenKind::Counted,
            (None, _) => TokenKind::Unlimited,
            _ if self.periodic => TokenKind::Periodic,
            _ if self.renewable => TokenKind::Renewable,
            _ => TokenKind::Fixed,
        }
    }

    /// The token, if it is ours to revoke.
    pub(crate) fn revocable_token(&self) -> Option<Token> {
        self.revocable.then(|| self.issued.token.clone())
    }

    /// What is left of it once another took its place.
    pub(crate) fn into_replaced(self, now: Instant) -> Option<ReplacedToken> {
        let (death, revoke_at) = (self.expires_at(), now + REVOCATION_DELAY);
        self.revocable.then(|| ReplacedToken {
            token: self.issued.token,
            expires_at: death,
            revoke_at,
        })
    }
}

fn sorted(policies: Option<Vec<String>>) -> Option<Vec<String>> {
    policies.map(|mut policies| {
        policies.sort_unstable();
        policies.dedup();
        policies
    })
}

/// A token that was replaced, and is to be revoked.
#[derive(Debug)]
pub(crate) struct ReplacedToken {
    token: Token,
    expires_at: Option<Instant>,
    pub(crate) revoke_at: Instant,
}

impl ReplacedToken {
    /// The token, unless it has ended by itself.
    pub(crate) fn into_unexpired(self, now: Instant) -> Option<Token> {
        self.expires_at.is_none_or(|death| now < death).then_some(self.token)
    }
}
