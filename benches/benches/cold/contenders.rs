//! Clients that read all names, each once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::Result;
use benches::{Bare, Reader, Server, canned, gateway};
use bytes::Bytes;
use http::HeaderValue;
use km_proxy_adapter::{KeyManager, Secret};
use reqwest::Client;
use serde::Deserialize;

/// The number of names.
pub(crate) const NAMES: u64 = 1_000;

/// Hands out the names in turn.
#[derive(Clone, Default)]
pub(crate) struct Names(Arc<AtomicU64>);

impl Names {
    fn next(&self) -> String {
        name(self.0.fetch_add(1, Relaxed) % NAMES)
    }

    fn next_path(&self) -> String {
        format!("/v1/{}/data/{}", canned::MOUNT, self.next())
    }
}

fn name(number: u64) -> String {
    format!("providers/openai/production/{number:012}")
}

/// Plain hyper: one connection per task, the body is read but not parsed.
pub(crate) struct Hyper {
    connection: Bare,
    names: Names,
}

impl Hyper {
    pub(crate) async fn connect(server: &Server, names: &Names) -> Result<Self> {
        let connection = Bare::connect(server.address(), canned::PATH, canned::TOKEN).await?;
        Ok(Self { connection, names: names.clone() })
    }
}

impl Reader for Hyper {
    type Answer = Bytes;

    async fn read(&mut self) -> Result<Bytes> {
        self.connection.ask(self.names.next_path().parse()?).await
    }

    fn is_right(answer: &Bytes) -> bool {
        Bare::is_right(answer)
    }
}

/// reqwest as an application uses it: one client, the response parsed into types.
#[derive(Clone)]
pub(crate) struct Typed {
    client: Client,
    base: String,
    token: HeaderValue,
    names: Names,
}

#[derive(Deserialize)]
struct Envelope {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    data: Fields,
}

#[derive(Deserialize)]
pub(crate) struct Fields {
    key: String,
}

impl Typed {
    pub(crate) fn new(server: &Server, names: &Names) -> Result<Self> {
        let client = Client::builder().no_proxy().build()?;
        let mut token = HeaderValue::from_static(canned::TOKEN);
        token.set_sensitive(true);
        Ok(Self { client, base: server.url(), token, names: names.clone() })
    }
}

impl Reader for Typed {
    type Answer = Fields;

    async fn read(&mut self) -> Result<Fields> {
        let url = format!("{}{}", self.base, self.names.next_path());
        let answer = self.client.get(url).header("x-vault-token", &self.token).send().await?;
        Ok(answer.error_for_status()?.json::<Envelope>().await?.data.data)
    }

    fn is_right(answer: &Fields) -> bool {
        answer.key == canned::VALUE
    }
}

/// The adapter as a gateway uses it: settings, a location, the cache, one task per load.
#[derive(Clone)]
pub(crate) struct Project {
    keys: KeyManager,
    names: Names,
}

impl Project {
    pub(crate) fn new(server: &Server, names: &Names) -> Result<Self> {
        let keys = gateway(&server.url(), &[])?;
        Ok(Self { keys, names: names.clone() })
    }

    /// Invalidates the whole cache.
    #[expect(clippy::expect_used, reason = "the figure would be meaningless")]
    pub(crate) fn forget(&self) {
        for number in 0..NAMES {
            self.keys.invalidate(&name(number)).expect("a name");
        }
    }
}

impl Reader for Project {
    type Answer = Secret;

    async fn read(&mut self) -> Result<Secret> {
        Ok(self.keys.secret(&self.names.next()).await?)
    }

    fn is_right(answer: &Secret) -> bool {
        answer.expose() == canned::VALUE
    }
}
