//! The program that uses other engines with an AppRole login.

use anyhow::{Context, Result};
use serde_json::json;
use testkit::{Fixture, FixtureSpec, Server};

use super::{Example, example};
use crate::login::accessors;
use crate::product::Files;

const EXAMPLE: Example = example!("transit");

const POLICY: &str = r#"
path "transit/encrypt/app" { capabilities = ["update"] }
path "pki/issue/app" { capabilities = ["update"] }
"#;

/// Returns a role that may use a transit key and issue certificates for a domain.
async fn engines() -> Result<Fixture> {
    let spec = FixtureSpec { policy: Some(|_| POLICY.to_owned()), ..FixtureSpec::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let server = fixture.server();
    for engine in ["transit", "pki"] {
        // Rejected if a given server has it from an earlier run.
        server.api("POST", &format!("sys/mounts/{engine}"), json!({ "type": engine })).await?;
    }
    server.must("POST", "transit/keys/app", json!({})).await?;
    let root = json!({ "common_name": "example.com", "key_type": "ec" });
    server.must("POST", "pki/root/generate/internal", root).await?;
    let role = json!({
        "allowed_domains": "example.com",
        "allow_subdomains": true,
        "key_type": "ec",
        // Shorter than the default of the root certificate.
        "ttl": "1h",
    });
    server.must("POST", "pki/roles/app", role).await?;
    Ok(fixture)
}

#[tokio::test]
async fn text_is_encrypted_and_a_certificate_is_issued() -> Result<()> {
    let fixture = engines().await?;
    let files = Files::new()?;
    let secret_id = files.write("secret-id", &fixture.secret_id)?;
    let secret_id = secret_id.to_str().context("not UTF-8")?;
    let arguments = [&*fixture.role_id, secret_id, "attack at dawn", "app.example.com"];
    let address = fixture.server().address();
    let printed = EXAMPLE.output(&arguments, &[("VAULT_ADDR", address)]).await?;

    let (ciphertext, certificate) = printed.split_once('\n').context("one line")?;
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"), "{certificate}");
    let body = json!({ "ciphertext": ciphertext });
    let decrypted = fixture.server().must("POST", "transit/decrypt/app", body).await?;
    // "attack at dawn" in Base64.
    assert_eq!(decrypted["data"]["plaintext"], "YXR0YWNrIGF0IGRhd24=");
    assert!(accessors(&fixture).await?.is_empty(), "its token outlives it");
    Ok(())
}

#[test]
fn readme_shows_the_program() {
    EXAMPLE.assert_shown_in(include_str!("../../../../crates/vault-auth/README.md"));
}
