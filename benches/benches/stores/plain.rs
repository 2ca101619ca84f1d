//! reqwest as an application uses it: one client, the response parsed into types.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::Result;
use benches::{Reader, canned};
use http::HeaderValue;
use reqwest::Client;
use serde::{Deserialize, Serialize};

#[derive(Clone)]
pub(crate) struct Plain {
    client: Client,
    folder: String,
    token: HeaderValue,
    next: Arc<AtomicU64>,
}

#[derive(Serialize)]
struct Body {
    data: Fields,
}

#[derive(Serialize)]
struct Fields {
    key: &'static str,
}

#[derive(Deserialize)]
struct Envelope {
    data: Written,
}

#[derive(Deserialize)]
pub(crate) struct Written {
    version: u64,
}

impl Plain {
    pub(crate) fn new(base: &str) -> Result<Self> {
        let client = Client::builder().no_proxy().build()?;
        let mut token = HeaderValue::from_static(canned::TOKEN);
        token.set_sensitive(true);
        let folder = format!("{base}/v1/{}/data/litellm", canned::MOUNT);
        Ok(Self { client, folder, token, next: Arc::default() })
    }
}

impl Reader for Plain {
    type Answer = Written;

    async fn read(&mut self) -> Result<Written> {
        let url = format!("{}/alias-{}", self.folder, self.next.fetch_add(1, Relaxed));
        let body = Body { data: Fields { key: canned::VALUE } };
        let request = self.client.post(url).header("x-vault-token", &self.token).json(&body);
        let answer = request.send().await?.error_for_status()?;
        Ok(answer.json::<Envelope>().await?.data)
    }

    fn is_right(answer: &Written) -> bool {
        answer.version == 1
    }
}
