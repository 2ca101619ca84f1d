//! Health, readiness and metrics.

use anyhow::Result;
use http::Request;
use http_body_util::Full;
use serde_json::json;
use tests::{Km, Server};

use super::client::send;
use super::sidecar::Sidecar;
use crate::cli::listener::{Reply, Scripted};
use crate::product::until;

fn bare(path: &str) -> Result<Request<Full<bytes::Bytes>>> {
    Ok(Request::builder().uri(path).header("host", "km").body(Full::default())?)
}

#[tokio::test]
async fn it_is_ready_after_the_first_login() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    sidecar.send(bare("/healthz")?).await?.expect(200)?;
    until("ready", async || Ok(sidecar.send(bare("/readyz")?).await?.status == 200)).await
}

#[tokio::test]
async fn it_is_not_ready_before_and_while_nothing_can_be_served() -> Result<()> {
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
    server.saw("POST /v1/auth/approle/login").await?;
    sidecar.send(bare("/healthz")?).await?.expect(200)?;
    let answer = sidecar.send(bare("/readyz")?).await?.expect(503)?;
    assert_eq!(answer.header("retry-after"), "1");
    server.release();
    until("ready", async || Ok(sidecar.send(bare("/readyz")?).await?.status == 200)).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(503)?;
    sidecar.send(bare("/readyz")?).await?.expect(503)?;
    Ok(())
}

#[tokio::test]
async fn metrics_count_operations_and_hold_no_name() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let sidecar = Sidecar::start(fixture.km(), &["--metrics", "127.0.0.1:0"]).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    sidecar.get("/km/v1/secrets/ABSENT").await?.expect(404)?;
    sidecar.send(bare("/km/v1/secrets/ONE")?).await?.expect(401)?;
    let metrics = sidecar.metrics.clone().unwrap_or_default();
    let own = send(&metrics, bare("/metrics")?).await?.expect(200)?;
    assert!(own.header("content-type").starts_with("text/plain"));
    for line in [
        r#"km_serve_operations_total{door="own",operation="read",outcome="done"} 2"#,
        r#"km_serve_operations_total{door="own",operation="read",outcome="not_found"} 1"#,
        r#"km_serve_operation_seconds_count{door="own",operation="read"} 3"#,
        r#"km_serve_reads_total{source="cache"} 1"#,
        r#"km_serve_reads_total{source="vault"} 1"#,
        r#"km_serve_refused_total{reason="token"} 1"#,
    ] {
        assert!(own.text.lines().any(|told| told == line), "no {line}: {}", own.text);
    }
    assert!(!own.text.contains("ONE") && !own.text.contains("ABSENT"), "{}", own.text);
    // That listener has nothing else, and the main one asks for the token.
    for path in ["/km/v1/secrets/ONE", "/healthz", "/v1/sys/health", "/"] {
        send(&metrics, bare(path)?).await?.expect(404)?;
    }
    sidecar.send(bare("/metrics")?).await?.expect(401)?;
    sidecar.get("/metrics").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn events_are_lines_of_json_where_that_is_asked_for() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let options = ["--log-format", "json", "--log", "km::serve=info"];
    let sidecar = Sidecar::start(fixture.km(), &options).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    sidecar.get("/km/v1/secrets/ABSENT").await?.expect(404)?;
    let said = sidecar.stop().await?.stderr;
    let events: Vec<serde_json::Value> =
        said.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let fields: Vec<_> = events.iter().map(|event| &event["fields"]).collect();
    assert_eq!(fields.len(), 2, "{said}");
    for (fields, (place, outcome)) in
        fields.into_iter().zip([("ONE", "done"), ("ABSENT", "not_found")])
    {
        assert_eq!(fields["place"], place);
        assert_eq!(fields["outcome"], outcome);
        assert_eq!(fields["operation"], "read");
        assert!(fields["duration_us"].is_u64());
    }
    Ok(())
}
