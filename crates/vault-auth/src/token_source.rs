//! [`TokenSource`] for [`Auth`]: tokens for requests, and the resolution of 403 responses.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;
use vault_http::{Denial, DenialOutcome, Error, IssuedToken, TokenSource};

use crate::auth::Auth;
use crate::driver::{Message, shut_down_error};
use crate::machine::Liveness;
use crate::shared::JoinedDenial;
use crate::shared::current::CurrentToken;

#[async_trait]
impl TokenSource for Auth {
    async fn token(&self) -> Result<IssuedToken, Error> {
        let take = |token: &CurrentToken| {
            let usable = self.is_usable(token) && self.take_use(token);
            usable.then(|| token.issued.clone())
        };
        self.wait_for(take).await
    }

    async fn denied(&self, denial: Denial) -> Result<DenialOutcome, Error> {
        self.start();
        // The text of the 403 that a token gets after its last use varies.
        let exhausted = self
            .shared()
            .current
            .with(|token| token.issued.generation == denial.generation && !token.has_uses());
        let token_invalid = denial.token_invalid || exhausted == Some(true);
        let denial = Denial::new(denial.generation, token_invalid);
        let open = || Arc::new(watch::channel(None).0);
        let mut pending = match self.shared().join_denial(denial.generation, open) {
            JoinedDenial::Replaced => return Ok(DenialOutcome::Replaced),
            JoinedDenial::Ended => return Err(shut_down_error()),
            JoinedDenial::Pending { outcome, first } => {
                let pending = outcome.subscribe();
                if first {
                    // If the driver ends instead, it resolves all pending denials.
                    self.notify_driver(Message::Denied(denial));
                }
                pending
            }
        };
        let liveness = pending.wait_for(Option::is_some).await;
        let liveness = liveness.map_err(|_| shut_down_error())?.clone();
        match liveness {
            Some(Liveness::Alive) => Ok(DenialOutcome::PathDenied),
            Some(Liveness::Unknown(error)) => Err(error),
            Some(Liveness::Dead) | None => self.ready().await.map(|()| DenialOutcome::Replaced),
        }
    }
}
