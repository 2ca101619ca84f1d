//! Health, readiness and metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Result, ensure};
use http::Request;
use http_body_util::Full;
use serde_json::json;
use testkit::{Km, Server};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::cli::listener::{Reply, Scripted};
use crate::product::until;
use crate::serve::client::send;
use crate::serve::sidecar::Sidecar;

fn bare(path: &str) -> Result<Request<Full<bytes::Bytes>>> {
    Ok(Request::builder().uri(path).body(Full::default())?)
}

#[tokio::test]
async fn sidecar_is_ready_after_the_first_login() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    sidecar.send(bare("/healthz")?).await?.expect(200)?;
    until("ready", async || Ok(sidecar.send(bare("/readyz")?).await?.status == 200)).await
}

#[tokio::test]
async fn sidecar_is_not_ready_before_login_or_during_an_outage() -> Result<()> {
    let server = Scripted::new(|request| match request {
        "POST /v1/auth/approle/login" => Reply::Later(
            200,
            json!({ "auth": { "client_token": "hvs-token", "lease_duration": 3600 } }),
        ),
        _ => Reply::Close,
    })?;
    let km = Km::new().env("HCP_VAULT_ADDR", server.address()).env("KM_DEADLINE", "2s");
    let km = km.env("HCP_VAULT_APPROLE_ROLE_ID", "a").env("HCP_VAULT_APPROLE_SECRET_ID", "b");
    let sidecar = Sidecar::start(km, &[]).await?;
    server.wait_for_request("POST /v1/auth/approle/login").await?;
    sidecar.send(bare("/healthz")?).await?.expect(200)?;
    let response = sidecar.send(bare("/readyz")?).await?.expect(503)?;
    assert_eq!(response.header("retry-after"), "1");
    server.release();
    until("ready", async || Ok(sidecar.send(bare("/readyz")?).await?.status == 200)).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(503)?;
    sidecar.send(bare("/readyz")?).await?.expect(503)?;
    Ok(())
}

#[tokio::test]
async fn metrics_count_operations_and_contain_no_names() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let sidecar = Sidecar::start(fixture.km(), &["--metrics", "127.0.0.1:0"]).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    sidecar.get("/km/v1/secrets/ABSENT").await?.expect(404)?;
    sidecar.send(bare("/km/v1/secrets/ONE")?).await?.expect(401)?;
    let metrics = sidecar.metrics.clone().unwrap_or_default();
    let response = send(&metrics, bare("/metrics")?).await?.expect(200)?;
    assert!(response.header("content-type").starts_with("text/plain"));
    for line in [
        r#"km_serve_operations_total{api="native",operation="read",outcome="success"} 2"#,
        r#"km_serve_operations_total{api="native",operation="read",outcome="not_found"} 1"#,
        r#"km_serve_operation_duration_seconds_count{api="native",operation="read"} 3"#,
        r#"km_serve_reads_total{source="cache"} 1"#,
        r#"km_serve_reads_total{source="vault"} 1"#,
        r#"km_serve_rejected_total{reason="token"} 1"#,
    ] {
        assert!(response.text.lines().any(|actual| actual == line), "no {line}: {}", response.text);
    }
    let bucket =
        r#"vault_http_request_duration_seconds_bucket{method="GET",outcome="success",le="5"}"#;
    assert!(response.text.contains(bucket), "{}", response.text);
    assert!(
        !response.text.contains("ONE") && !response.text.contains("ABSENT"),
        "{}",
        response.text
    );
    // This listener serves nothing else, and the main one requires the token.
    for path in ["/km/v1/secrets/ONE", "/healthz", "/v1/sys/health", "/"] {
        send(&metrics, bare(path)?).await?.expect(404)?;
    }
    sidecar.send(bare("/metrics")?).await?.expect(401)?;
    sidecar.get("/metrics").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn json_log_format_writes_one_object_per_event() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let options = ["--log-format", "json", "--log", "km::serve=info"];
    let sidecar = Sidecar::start(fixture.km(), &options).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    sidecar.get("/km/v1/secrets/ABSENT").await?.expect(404)?;
    let stderr = sidecar.stop().await?.stderr;
    let events: Vec<serde_json::Value> =
        stderr.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let fields: Vec<_> = events.iter().map(|event| &event["fields"]).collect();
    assert_eq!(fields.len(), 2, "{stderr}");
    for (fields, (name, outcome)) in
        fields.into_iter().zip([("ONE", "success"), ("ABSENT", "not_found")])
    {
        assert_eq!(fields["name"], name);
        assert_eq!(fields["outcome"], outcome);
        assert_eq!(fields["operation"], "read");
        assert!(fields["duration_us"].is_u64());
    }
    Ok(())
}

/// Starts a server that accepts logins, and that answers reads and health requests only while it is
/// `up`.
fn vault_while_up(up: &Arc<AtomicBool>, down: fn() -> Reply) -> Result<Scripted> {
    let up = Arc::clone(up);
    Scripted::new(move |request| match request {
        "POST /v1/auth/approle/login" => Reply::Json(
            200,
            json!({ "auth": { "client_token": "hvs-token", "lease_duration": 3600 } }),
        ),
        _ if !up.load(Relaxed) => down(),
        request if request.starts_with("GET /v1/sys/health") => {
            Reply::Json(200, json!({ "initialized": true, "sealed": false }))
        }
        _ => Reply::Json(404, json!({ "errors": [] })),
    })
}

async fn sidecar_for(server: &Scripted) -> Result<Sidecar> {
    let km = Km::new().env("HCP_VAULT_ADDR", server.address()).env("KM_DEADLINE", "2s");
    let km = km.env("HCP_VAULT_APPROLE_ROLE_ID", "a").env("HCP_VAULT_APPROLE_SECRET_ID", "b");
    Sidecar::start(km, &["--metrics", "127.0.0.1:0"]).await
}

/// Waits until the gauge has this value. Requests the metrics only.
async fn gauge_is(sidecar: &Sidecar, value: u8) -> Result<()> {
    let metrics = sidecar.metrics.clone().unwrap_or_default();
    let line = format!("km_serve_ready {value}");
    until(&line, async || {
        let text = send(&metrics, bare("/metrics")?).await?.expect(200)?.text;
        Ok(text.lines().any(|actual| actual == line))
    })
    .await
}

#[tokio::test]
async fn ready_gauge_follows_an_outage_without_probes() -> Result<()> {
    let up = Arc::new(AtomicBool::new(true));
    let server =
        vault_while_up(&up, || Reply::Json(503, json!({ "errors": ["Vault is sealed"] })))?;
    let sidecar = sidecar_for(&server).await?;
    gauge_is(&sidecar, 1).await?;
    for with_request in [true, false] {
        up.store(false, Relaxed);
        if with_request {
            sidecar.get("/km/v1/secrets/ONE").await?.expect(503)?;
        }
        gauge_is(&sidecar, 0).await?;
        up.store(true, Relaxed);
        gauge_is(&sidecar, 1).await?;
    }
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn concurrent_probes_of_a_hanging_server_share_one_check() -> Result<()> {
    const PROBES: usize = 50;
    let up = Arc::new(AtomicBool::new(true));
    let server = vault_while_up(&up, || Reply::Hang)?;
    let sidecar = Arc::new(sidecar_for(&server).await?);
    gauge_is(&sidecar, 1).await?;
    up.store(false, Relaxed);
    sidecar.get("/km/v1/secrets/ONE").await?.expect(503)?;
    let before = server.requests().len();
    let started = Instant::now();
    let mut probes = JoinSet::new();
    for _ in 0..PROBES {
        let sidecar = Arc::clone(&sidecar);
        probes.spawn(async move { sidecar.send(bare("/readyz")?).await?.expect(503) });
    }
    while let Some(probe) = probes.join_next().await {
        probe??;
    }
    let (elapsed, requests) = (started.elapsed(), server.requests().len() - before);
    ensure!(elapsed < Duration::from_secs(10), "{elapsed:?}");
    // One check per second, and its retries.
    ensure!(requests < PROBES / 2, "{requests} requests");
    Ok(())
}
