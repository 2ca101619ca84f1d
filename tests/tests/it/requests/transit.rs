//! Encryption as a service.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::secret;
use vault_http::{ErrorKind, Request};

use super::Engine;

#[tokio::test]
async fn transit_key_encrypts_decrypts_and_is_listed() -> Result<()> {
    let transit = Engine::mount("transit").await?;
    transit.put("keys/orders", &json!({ "type": "chacha20-poly1305" })).await?;
    assert_eq!(transit.list("keys").await?, json!({ "keys": ["orders"] }));
    let listed: Value = transit.send(Request::list(transit.at("keys")?)).await?.data()?;
    assert_eq!(listed, json!({ "keys": ["orders"] }));
    // Base64 of letters and digits, in groups of four.
    let plaintext = format!("{}0000", &secret("value").replace('-', "x")[..20]);
    let body = json!({ "plaintext": plaintext });
    let encrypted: Value = transit.put("encrypt/orders", &body).await?.data()?;
    let body = json!({ "ciphertext": encrypted["ciphertext"] });
    let decrypted: Value =
        transit.send(Request::post(transit.at("decrypt/orders")?, &body)?).await?.data()?;
    assert_eq!(decrypted["plaintext"], plaintext);
    transit.unmount().await
}

#[tokio::test]
async fn key_that_must_not_be_deleted_is_an_error_with_the_reason_of_the_server() -> Result<()> {
    let transit = Engine::mount("transit").await?;
    transit.put("keys/orders", &json!({})).await?;
    let request = Request::delete(transit.at("keys/orders")?);
    let error = transit.send(request).await.expect_err("a key that must not be deleted");
    assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    assert!(error.vault_messages()[0].contains("deletion is not allowed"), "{error:?}");
    assert!(!error.to_string().contains("deletion"), "{error}");
    transit.put("keys/orders/config", &json!({ "deletion_allowed": true })).await?;
    transit.send(Request::delete(transit.at("keys/orders")?)).await?;
    transit.unmount().await
}
