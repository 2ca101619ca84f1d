//! The way into a server as root: for setting up and for looking, never for what is under test.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::raw::Raw;

const READY_WITHIN: Duration = Duration::from_secs(60);

/// Address, root token and a plain client. A clone does not keep the server running.
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

    /// The server's address, as in `http://127.0.0.1:8200`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The root token.
    pub fn root_token(&self) -> &str {
        &self.token
    }

    /// A plain client, which sends no token by itself.
    pub fn raw(&self) -> &Raw {
        &self.raw
    }

    /// One exchange with the root token; `path` follows `/v1/`.
    ///
    /// # Errors
    /// No answer. A status of any kind is no error.
    pub async fn api(
        &self,
        method: &str,
        path: &str,
        body: impl Into<Option<Value>>,
    ) -> Result<(u16, Value)> {
        self.raw.call(method, path, Some(&self.token), body).await
    }

    /// The same where only success will do: returns the body.
    ///
    /// # Errors
    /// No answer, or a status that is no 2xx.
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
    /// No answer, or none but refusals for too long.
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
