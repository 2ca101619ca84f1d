//! `vault-kv` over a session with all its checks: deadline, concurrency limit, retry policy,
//! bounded and zeroized body, strict JSON, typed fields. It does not log in, but uses a static token.

use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use benches::{Reader, canned};
use secrecy::ExposeSecret;
use vault_http::{
    Address, Client, Denial, DenialOutcome, Error, Generation, IssuedToken, Plaintext, Session,
    Token, TokenSource,
};
use vault_kv::{Kv, Mount, Secret, SecretPath};

#[derive(Clone)]
pub(crate) struct Project {
    kv: Kv,
    path: SecretPath,
}

impl Project {
    pub(crate) fn new(base: &str) -> Result<Self> {
        let client = Client::builder(Address::parse(base, Plaintext::LoopbackOnly)?).build()?;
        let session = Session::new(client, Arc::new(Fixed(Token::new(&canned::TOKEN.into())?)));
        let kv = Kv::new(session, Mount::new(canned::MOUNT)?);
        Ok(Self { kv, path: SecretPath::new(canned::SECRET)? })
    }
}

impl Reader for Project {
    type Answer = Secret;

    async fn read(&mut self) -> Result<Secret> {
        Ok(self.kv.read(&self.path).await?)
    }

    fn is_right(answer: &Secret) -> bool {
        let key = answer.fields.text("key");
        key.is_ok_and(|key| key.expose_secret() == canned::VALUE) && answer.metadata.version == 3
    }
}

/// A source of one token that never changes.
struct Fixed(Token);

#[async_trait]
impl TokenSource for Fixed {
    async fn token(&self) -> Result<IssuedToken, Error> {
        Ok(IssuedToken { token: self.0.clone(), generation: Generation::default() })
    }

    async fn denied(&self, _: Denial) -> Result<DenialOutcome, Error> {
        Ok(DenialOutcome::PathDenied)
    }
}
