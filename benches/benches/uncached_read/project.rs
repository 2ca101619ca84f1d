//! `vault-kv` over a session with all its checks: deadline, concurrency limit, retry policy,
//! bounded and zeroized body, strict JSON, typed fields. It does not log in, but uses a static token.

use anyhow::Result;
use benches::{Reader, canned};
use secrecy::ExposeSecret;
use vault_http::{Address, Client, FixedToken, Plaintext, Session, Token};
use vault_kv::{Kv, Mount, Secret, SecretPath};

#[derive(Clone)]
pub(crate) struct Project {
    kv: Kv,
    path: SecretPath,
}

impl Project {
    pub(crate) fn new(base: &str) -> Result<Self> {
        let client = Client::builder(Address::parse(base, Plaintext::LoopbackOnly)?).build()?;
        let session = Session::new(client, FixedToken::new(Token::new(&canned::TOKEN.into())?));
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
