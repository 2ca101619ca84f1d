//! A running `km serve`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Fixture, Km, Output, Running, secret, write_private};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::client::{Response, send};

/// A running sidecar, which is killed when the handle is dropped.
pub(crate) struct Sidecar {
    running: Running,
    /// The address that it reports on stdout.
    pub(crate) address: String,
    /// The address of its metrics.
    pub(crate) metrics: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) files: TempDir,
}

impl Sidecar {
    /// Starts a sidecar for a fixture, on loopback, with a token and in the mode `read_and_write`.
    pub(crate) async fn of(fixture: &Fixture) -> Result<Self> {
        let km = fixture.km().env("KM_ACCESS_MODE", "read_and_write");
        Self::start(km.env("KM_STORE_VIRTUAL_KEYS", "true"), &[]).await
    }

    /// Like [`Self::of`], but for any `km` with its settings, and with options.
    pub(crate) async fn start(km: Km, options: &[&str]) -> Result<Self> {
        let files = tempfile::tempdir()?;
        let (file, token) = (files.path().join("token"), secret("local"));
        write_private(&file, format!("{token}\n"))?;
        let km = km.args(["serve", "--listen", "127.0.0.1:0", "--token-file"]).args([&file]);
        let mut sidecar = Self::run(km.args(options)).await?;
        (sidecar.token, sidecar.files) = (Some(token), files);
        Ok(sidecar)
    }

    /// Like [`Self::start`], but all options are given. Reads the addresses and the token file from
    /// stdout.
    pub(crate) async fn run(km: Km) -> Result<Self> {
        let mut running = km.args(["--json"]).start().await?;
        let stdout = running.child().stdout.take().context("no stdout")?;
        let mut lines = BufReader::new(stdout).lines();
        let Some(line) = lines.next_line().await? else {
            anyhow::bail!("km serve exited: {}", running.finish().await?.stderr);
        };
        let document: Value = serde_json::from_str(&line)?;
        let text = |name: &str| document[name].as_str().map(str::to_owned);
        let token = match text("token_file") {
            Some(file) => Some(std::fs::read_to_string(file)?.trim_end().to_owned()),
            None => None,
        };
        let address = text("listening").context("no listening address")?;
        let files = tempfile::tempdir()?;
        Ok(Self { running, address, metrics: text("metrics"), token, files })
    }

    /// Begins a request with the token.
    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let request = Request::builder().method(method).uri(path);
        match &self.token {
            Some(token) => request.header("x-vault-token", token),
            None => request,
        }
    }

    /// Sends a request with the token.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        body: impl Into<Option<Value>>,
    ) -> Result<Response> {
        let body = body.into().map(|body| body.to_string()).unwrap_or_default();
        self.send(self.request(method, path).body(Full::from(body))?).await
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Response> {
        self.call("GET", path, None).await
    }

    /// Sends any request.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response> {
        send(&self.address, request).await
    }

    pub(crate) fn running(&mut self) -> &mut Running {
        &mut self.running
    }

    /// Returns the value of `Host` that clients send.
    pub(crate) fn host(&self) -> &str {
        &self.address
    }

    /// Returns the path of the socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.address.strip_prefix("unix:").unwrap_or_default().into()
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        self.running.signal(name)
    }

    /// Waits until the sidecar exits.
    pub(crate) async fn finish(self) -> Result<Output> {
        self.running.finish().await
    }

    /// Ends the sidecar with SIGTERM. Fails unless it exits with 0 and without a secret on stderr.
    pub(crate) async fn stop(self) -> Result<Output> {
        self.running.signal("TERM")?;
        self.running.finish().await?.expect(0)
    }
}
