//! Responses that are not JSON, and the members of the envelope.

use anyhow::Result;
use serde_json::json;
use vault_http::{ApiPath, Request};

use super::Engine;

#[tokio::test]
async fn metrics_are_read_as_text() -> Result<()> {
    let kv = Engine::mount("kv").await?;
    let request = Request::get(ApiPath::from_static("sys/metrics")).query("format", "prometheus");
    let response = kv.send(request.accept_any_content()).await?;
    assert!(response.content_type().is_some_and(|kind| kind.starts_with("text/plain")));
    let text = std::str::from_utf8(response.bytes())?;
    assert!(text.contains("# TYPE"), "{}", text.get(..200).unwrap_or(text));
    kv.unmount().await
}

#[tokio::test]
async fn lowered_ttl_is_a_warning() -> Result<()> {
    let kv = Engine::mount("kv").await?;
    let body = json!({ "ttl": "1000000h", "policies": ["default"] });
    let request = Request::post(ApiPath::from_static("auth/token/create-orphan"), &body)?;
    let response = kv.send(request).await?;
    let warnings = response.warnings()?;
    assert!(warnings.iter().any(|warning| warning.contains("TTL")), "{warnings:?}");
    assert_eq!(response.lease()?, None);
    kv.unmount().await
}
