//! Encrypts a text with Vault's transit engine and issues a certificate with its PKI engine.
//!
//! `transit ROLE_ID SECRET_ID_FILE TEXT HOST`, with the address in `VAULT_ADDR`.
#![expect(clippy::print_stdout, reason = "an example reports to its user")]

use std::error::Error;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use vault_auth::vault_http::{Client, Request, Session};
use vault_auth::{AppRole, Auth, Credential, OnShutdown};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let [role_id, secret_id_file, text, host] = arguments()?;
    let client = Client::from_env()?;
    let secret_id = Credential::File(secret_id_file.into());
    let auth =
        Auth::new(client.clone(), AppRole::new(Credential::Value(role_id.into()), secret_id));
    let vault = Session::new(client, auth.clone()); // logs in with the first request

    let body = json!({ "plaintext": BASE64_STANDARD.encode(text) });
    let encrypt = Request::post("transit/encrypt/app".parse()?, &body)?;
    let encrypted: Value = vault.send(&encrypt, vault.deadline()).await?.data()?;
    println!("{}", encrypted.get("ciphertext").and_then(Value::as_str).ok_or("no ciphertext")?);

    let issue = Request::post("pki/issue/app".parse()?, &json!({ "common_name": host }))?;
    let issued: Value = vault.send(&issue, vault.deadline()).await?.data()?;
    println!("{}", issued.get("certificate").and_then(Value::as_str).ok_or("no certificate")?);

    auth.shutdown(OnShutdown::Revoke).await;
    Ok(())
}

fn arguments() -> Result<[String; 4], &'static str> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    arguments.try_into().map_err(|_| "usage: transit ROLE_ID SECRET_ID_FILE TEXT HOST")
}
