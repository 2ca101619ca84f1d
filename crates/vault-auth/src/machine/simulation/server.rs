//! A simulated Vault server that issues tokens and misbehaves on demand.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;
use vault_http::Token;

use crate::login::{Login, LoginInfo};
use crate::machine::Renewal;

/// The maximum number of successive behaviors of a server.
pub(super) const MAX_BEHAVIORS: usize = 8;

/// How the server behaves for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Behavior {
    Healthy,
    /// The server is unreachable or sealed.
    Down,
    /// Every response, including refusals, takes this many seconds.
    Slow(u32),
    /// Logins and renewals are executed, but their responses are lost.
    LosesResponses,
    /// The credential is refused.
    RefusesLogins,
    /// Renewals fail in a way that the number selects.
    FailsRenewals(u8),
    /// Every token is revoked as soon as it is issued.
    RevokesTokens,
}

/// The properties of the tokens of a role.
#[derive(Debug, Clone, Copy)]
pub(super) struct Role {
    /// Seconds.
    pub(super) lease: u64,
    /// The maximum TTL in leases.
    pub(super) max_age: u64,
    pub(super) renewable: bool,
}

pub(super) struct Server {
    pub(super) behavior: Behavior,
    pub(super) role: Role,
    /// The expiry and the maximum expiry of each token whose login got a response.
    pub(super) tokens: BTreeMap<String, (Instant, Instant)>,
    /// The expiry of each token whose login got no response, so that it cannot be revoked.
    pub(super) lost: VecDeque<Instant>,
    /// When these logins were made.
    pub(super) lost_at: Vec<Instant>,
    /// The version of the role's policies.
    pub(super) policies: u32,
    issued: u32,
}

impl Server {
    pub(super) fn new(role: Role) -> Self {
        Self {
            behavior: Behavior::Healthy,
            role,
            tokens: BTreeMap::new(),
            lost: VecDeque::new(),
            lost_at: Vec::new(),
            policies: 0,
            issued: 0,
        }
    }

    pub(super) fn is_valid(&self, token: &Token, now: Instant) -> bool {
        self.tokens.get(token.expose()).is_some_and(|(expiry, _)| now < *expiry)
    }

    pub(super) fn log_in(&mut self, now: Instant) -> Login {
        self.issued += 1;
        let name = format!("token-{}", self.issued);
        let lease = Duration::from_secs(self.role.lease);
        let max_ttl = lease * u32::try_from(self.role.max_age).unwrap();
        let expiry = if self.behavior == Behavior::RevokesTokens { now } else { now + lease };
        self.tokens.insert(name.clone(), (expiry, now + max_ttl));
        let token = Token::new(&SecretString::from(name)).unwrap();
        let renewable = self.role.renewable;
        let policies = Some(vec![format!("policy-{}", self.policies)]);
        let info = LoginInfo { policies, ..LoginInfo::default() };
        Login { ttl: Some(lease), renewable, info, revocable: true, ..Login::new(token) }
    }

    pub(super) fn renew(
        &mut self,
        token: &Token,
        increment: Duration,
        now: Instant,
    ) -> Option<Renewal> {
        let token = self.tokens.get_mut(token.expose()).filter(|(expiry, _)| now < *expiry);
        let (expiry, max_expiry) = token?;
        *expiry = (now + increment).min(*max_expiry);
        let lease = Duration::from_secs((*expiry - now).as_secs());
        Some(Renewal { lease, capped: *expiry == *max_expiry })
    }
}
