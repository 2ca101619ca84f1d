//! Root access to a server, for setup and for checks.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::raw::Raw;

const READY_WITHIN: Duration = Duration::from_secs(60);

/// The address, the root token and a plain client. A clone does not keep the server running.
#[derive(Debug, Clone)]
pub struct Access {
    address: String,
    token: String,
    raw: Raw,
}

impl Access {
    pub(crate) fn new(address: String, token: String, raw: Raw) -> Self {
        Self { address, token, raw }
    }

    /// Returns the base URL, such as `http://127.0.0.1:8200`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the root token.
    pub fn root_token(&self) -> &str {
        &self.token
    }

    /// Returns a plain client, which sends no token by itself.
    pub fn raw(&self) -> &Raw {
        &self.raw
    }

    /// Sends a request with the root token; `path` follows `/v1/`.
    ///
    /// # Errors
    /// There is no response. No status is an error.
    pub async fn api(
        &self,
        method: &str,
        path: &str,
        body: impl Into<Option<Value>>,
    ) -> Result<(u16, Value)> {
        self.raw.call(method, path, Some(&self.token), body).await
    }

    /// Like [`api`](Self::api), but requires success, and returns the body.
    ///
    /// # Errors
    /// There is no response, or its status is not 2xx.
    pub async fn must(
        &self,
        method: &str,
        path: &str,
        body: impl Into<Option<Value>>,
    ) -> Result<Value> {
        let (status, answer) = self.api(method, path, body).await?;
        ensure!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        Ok(answer)
    }

    /// Waits until a read succeeds.
    ///
    /// # Errors
    /// There is no response, or reads are rejected for too long.
    pub async fn until_ok(&self, path: &str) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let (status, answer) = self.api("GET", path, None).await?;
            if status == 200 {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "not ready: {path}: {status} {answer}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}
