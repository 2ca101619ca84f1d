//! The active token, and the token that it has replaced.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Generation, IssuedToken, Token};

use super::timing;
use crate::login::{Login, LoginInfo};
use crate::status::TokenKind;

/// The time from the replacement of a token to its revocation, by when every request that carries
/// it has ended.
const REVOCATION_DELAY: Duration = Duration::from_secs(60);

/// The token that callers receive.
#[derive(Debug, Clone)]
pub(crate) struct ActiveToken {
    pub(crate) issued: IssuedToken,
    /// The number of uses that it was issued with.
    pub(crate) uses: Option<u32>,
    /// When it was obtained.
    pub(crate) obtained_at: Instant,
    /// Its policies, sorted. `None` if they are not known.
    pub(crate) policies: Option<Vec<String>>,
    /// What the server says about it.
    pub(crate) info: Arc<LoginInfo>,
    /// When a login should replace it.
    pub(crate) replace_at: Option<Instant>,
    /// The start of its lease: just before the login or renewal was sent.
    pub(crate) lease_start: Instant,
    /// Its lease. `None` if its expiry is not known or it has none.
    pub(crate) lease: Option<Duration>,
    /// The lease that it was created with, which each renewal requests.
    pub(crate) increment: Option<Duration>,
    pub(crate) renewable: bool,
    periodic: bool,
    revocable: bool,
}

impl ActiveToken {
    pub(crate) fn new(login: Login, sent_at: Instant, generation: Generation) -> Self {
        let lease = login.ttl.filter(|lease| !lease.is_zero());
        // A renewal takes a use, and its response has the original number of uses, not what is
        // left.
        let renewable = login.renewable && lease.is_some() && login.uses.is_none();
        Self {
            issued: IssuedToken::new(login.token, generation),
            uses: login.uses,
            obtained_at: sent_at,
            policies: sorted(login.info.policies.clone()),
            info: login.info.into(),
            replace_at: None,
            lease_start: sent_at,
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

    /// Returns whether the policies of `login` differ.
    pub(crate) fn has_other_policies(&self, login: &Login) -> bool {
        self.policies != sorted(login.info.policies.clone())
    }

    pub(crate) fn is_same_token(&self, token: &Token) -> bool {
        self.issued.token.expose() == token.expose()
    }

    /// Returns the earliest time at which the server may expire it.
    pub(crate) fn expires_at(&self) -> Option<Instant> {
        self.lease.and_then(|lease| self.lease_start.checked_add(lease))
    }

    /// Returns the time from which callers no longer receive it.
    pub(crate) fn usable_until(&self) -> Option<Instant> {
        timing::usable_until(self.lease_start, self.lease)
    }

    /// Starts a new lease. The token stays renewable unless the lease was cut short, because
    /// another renewal would then return even less.
    pub(crate) fn renewed(&mut self, lease: Duration, capped: bool, sent_at: Instant) {
        let is_cut = |full: Duration| lease.as_secs_f64() < 0.9 * full.as_secs_f64();
        let cut = self.increment.is_some_and(is_cut);
        (self.lease, self.lease_start) = (Some(lease), sent_at);
        if self.periodic {
            // Vault ignores the increment and returns the current period of the role.
            self.increment = self.lease;
        }
        self.renewable = self.periodic || !(capped || cut);
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

    /// Returns the token if this source may revoke it.
    pub(crate) fn revocable_token(&self) -> Option<Token> {
        self.revocable.then(|| self.issued.token.clone())
    }

    /// Converts it into a token to be revoked later, if this source may revoke it.
    pub(crate) fn into_replaced(self, now: Instant) -> Option<ReplacedToken> {
        let (expires_at, revoke_at) = (self.expires_at(), now + REVOCATION_DELAY);
        let token = self.issued.token;
        self.revocable.then_some(ReplacedToken { token, expires_at, revoke_at })
    }
}

fn sorted(policies: Option<Vec<String>>) -> Option<Vec<String>> {
    policies.map(|mut policies| {
        policies.sort_unstable();
        policies.dedup();
        policies
    })
}

/// A token that was replaced and is to be revoked.
#[derive(Debug)]
pub(crate) struct ReplacedToken {
    token: Token,
    expires_at: Option<Instant>,
    pub(crate) revoke_at: Instant,
}

impl ReplacedToken {
    /// Returns the token unless it has expired.
    pub(crate) fn into_unexpired(self, now: Instant) -> Option<Token> {
        self.expires_at.is_none_or(|expires_at| now < expires_at).then_some(self.token)
    }
}
