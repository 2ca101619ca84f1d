//! Reads URLs from stdin, one per line, and prints what is there.
//!
//! A value is served from memory for a minute, and for an hour while its server is down.
#![expect(clippy::print_stdout, reason = "an example reports to its user")]

use std::error::Error;
use std::time::Duration;

use reqwest::StatusCode;
use secret_cache::{Cache, LoadFailure, Loaded, load_fn};
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().map_err(|_| "a cryptography provider is already installed")?;
    let http = reqwest::Client::new();
    let loader = load_fn(move |url: String| {
        let request = http.get(url);
        async move {
            let response =
                request.send().await?.error_for_status().map_err(|error| match error.status() {
                    Some(StatusCode::NOT_FOUND) => LoadFailure::not_found(error),
                    Some(StatusCode::FORBIDDEN) => LoadFailure::denied(error),
                    _ => LoadFailure::unavailable(error),
                })?;
            Ok::<_, LoadFailure<reqwest::Error>>(Loaded::new(response.text().await?))
        }
    });
    let values = Cache::builder(loader)
        .refresh_interval(Duration::from_secs(60))
        .max_stale(Duration::from_secs(60 * 60))
        .build()?;

    let mut lines = BufReader::new(stdin()).lines();
    while let Some(url) = lines.next_line().await? {
        match values.get(url.as_str()).await {
            Ok(value) => println!("{} ({:?})", value.trim(), value.origin()),
            Err(error) => println!("error: {}", error.kind()),
        }
    }
    Ok(())
}
