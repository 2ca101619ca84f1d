//! A loader over a real HTTP client: the example of the README.

#![cfg(test)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::time::Duration;

use secret_cache::{Cache, FnCache, LoadErrorKind, LoadFailure, Loaded, Origin, load_fn};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

type Failure = LoadFailure<reqwest::Error>;

async fn fetch(client: reqwest::Client, url: String) -> Result<Loaded<String>, Failure> {
    let response = client.get(url).send().await?.error_for_status().map_err(failure)?;
    Ok(Loaded::new(response.text().await?))
}

fn failure(error: reqwest::Error) -> Failure {
    match error.status().map(|status| status.as_u16()) {
        Some(404 | 410) => LoadFailure::not_found(error),
        Some(403) => LoadFailure::denied(error),
        _ => LoadFailure::unavailable(error),
    }
}

/// A cache as a field of a program's state.
struct Rates(FnCache<String, String, Failure>);

impl Rates {
    fn new() -> Self {
        // The client looks for a TLS provider even if it is only used without TLS.
        let _other_test = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let loader = load_fn(move |url| fetch(client.clone(), url));
        Self(Cache::builder(loader).max_stale(Duration::from_secs(60)).build().unwrap())
    }
}

/// Starts a server that answers each request with the current status.
async fn server(status: &Arc<AtomicU16>) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, status, mut tasks) =
        (listener.local_addr().unwrap(), Arc::clone(status), JoinSet::new());
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // A request without a body is shorter, and arrives in one segment.
            let _read = stream.read(&mut [0; 1024]).await;
            let status = status.load(Relaxed);
            let response = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n\r\n0.93");
            let _written = stream.write_all(response.as_bytes()).await;
        }
    });
    (address, tasks)
}

#[tokio::test]
async fn status_of_a_response_decides_whether_the_old_value_is_kept() {
    let status = Arc::new(AtomicU16::new(200));
    let (address, _tasks) = server(&status).await;
    for (failed, kind, is_kept) in [
        (503, LoadErrorKind::Unavailable, true),
        (404, LoadErrorKind::NotFound, false),
        (403, LoadErrorKind::Denied, false),
    ] {
        let (rates, url) = (Rates::new().0, format!("http://{address}/CHF"));
        status.store(200, Relaxed);
        let loaded = rates.get(&url).await.unwrap();
        assert_eq!((loaded.as_str(), loaded.origin()), ("0.93", Origin::Loaded));
        assert_eq!(rates.get(&url).await.unwrap().origin(), Origin::Memory);

        status.store(failed, Relaxed);
        let error = rates.refresh(&url).await.error.unwrap();
        assert_eq!(error.kind(), kind);
        let status = error.load_error().unwrap().error().status();
        assert_eq!(status.map(|status| status.as_u16()), Some(failed));
        assert_eq!(rates.peek(url.as_str()).is_some(), is_kept, "{failed}");
    }
}

#[tokio::test]
async fn unreachable_server_is_unavailable() {
    let rates = Rates::new().0;
    // Nothing listens on the discard port.
    let error = rates.get("http://127.0.0.1:9/").await.unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::Unavailable);
    assert!(error.load_error().unwrap().error().is_connect());
}
