//! reqwest as an application uses it: one client, the URL built once, the response parsed into
//! types.

use anyhow::Result;
use benches::{Reader, canned};
use http::HeaderValue;
use reqwest::{Client, Url};
use serde::Deserialize;

#[derive(Clone)]
pub(crate) struct Typed {
    client: Client,
    url: Url,
    token: HeaderValue,
}

#[derive(Deserialize)]
struct Envelope {
    data: Secret,
}

#[derive(Deserialize)]
pub(crate) struct Secret {
    data: Fields,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Fields {
    key: String,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
}

impl Typed {
    pub(crate) fn new(base: &str) -> Result<Self> {
        let client = Client::builder().no_proxy().build()?;
        let mut token = HeaderValue::from_static(canned::TOKEN);
        token.set_sensitive(true);
        Ok(Self { client, url: Url::parse(base)?.join(canned::PATH)?, token })
    }
}

impl Reader for Typed {
    type Answer = Secret;

    async fn read(&mut self) -> Result<Secret> {
        let request = self.client.get(self.url.clone()).header("x-vault-token", &self.token);
        let answer = request.send().await?.error_for_status()?;
        Ok(answer.json::<Envelope>().await?.data)
    }

    fn is_right(answer: &Secret) -> bool {
        answer.data.key == canned::VALUE && answer.metadata.version == 3
    }
}
