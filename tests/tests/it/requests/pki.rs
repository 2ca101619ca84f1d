//! Certificates: leases, and responses that are not JSON.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use vault_http::{ErrorKind, Request};

use super::Engine;

#[tokio::test]
async fn issued_certificate_has_a_lease_and_the_authority_is_read_as_pem() -> Result<()> {
    let pki = Engine::mount("pki").await?;
    let root = json!({ "common_name": "km.test", "key_type": "ec", "ttl": "24h" });
    let root: Value = pki.put("root/generate/internal", &root).await?.data()?;
    let role = json!({ "allow_any_name": true, "key_type": "ec", "generate_lease": true });
    pki.put("roles/web", &role).await?;
    let wanted = json!({ "common_name": "web.km.test", "ttl": "1h" });
    let issued = pki.put("issue/web", &wanted).await?;
    let lease = issued.lease()?.context("a lease")?;
    assert!(lease.id.starts_with(&pki.mount) && !lease.renewable, "{lease:?}");
    assert!((3_500..=3_600).contains(&lease.duration.as_secs()), "{lease:?}");
    let issued: Value = issued.data()?;
    assert_eq!(issued["issuing_ca"], root["certificate"]);

    let pem = Request::get(pki.at("ca/pem")?);
    let error = pki.send(pem.clone()).await.expect_err("a response that is not JSON");
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    let response = pki.send(pem.accept_any_content()).await?;
    assert_eq!(response.content_type(), Some("application/pem-certificate-chain"));
    let text = std::str::from_utf8(response.bytes())?.trim();
    assert_eq!(Some(text), root["certificate"].as_str().map(str::trim));
    pki.unmount().await
}

#[tokio::test]
async fn role_that_does_not_exist_is_named_by_the_server() -> Result<()> {
    let pki = Engine::mount("pki").await?;
    let body = json!({ "common_name": "web.km.test" });
    let request = Request::post(pki.at("issue/nobody")?, &body)?;
    let error = pki.send(request).await.expect_err("a role that does not exist");
    assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    assert_eq!(error.vault_messages(), ["unknown role: nobody"]);
    pki.unmount().await
}
