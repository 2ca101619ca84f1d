//! Reads paths from stdin, one per line, requests each from Vault with an authenticated
//! `reqwest::Client`, and prints the status of each response.

use std::error::Error;
use std::io::{Write as _, stdin, stdout};

use vault_auth::vault_http::{Address, Client, Plaintext};
use vault_auth::{AppRole, Auth, AuthenticatedClient, Credential, OnShutdown};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, server, role_id, secret_id] = &*arguments else {
        return Err("usage: own-client ADDRESS ROLE_ID SECRET_ID_FILE".into());
    };
    // The `reqwest::Client` needs a cryptography provider.
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().map_err(|_| "a cryptography provider is already installed")?;

    let client = Client::builder(Address::parse(server, Plaintext::LoopbackOnly)?).build()?;
    let role_id = Credential::Value(role_id.as_str().into());
    let auth = Auth::new(client, AppRole::new(role_id, Credential::File(secret_id.into())));
    let vault = AuthenticatedClient::build(reqwest::Client::builder(), auth.clone())?;

    for path in stdin().lines() {
        let request = vault.client().get(format!("{server}/v1/{}", path?)).build()?;
        let response = vault.execute(request).await?;
        writeln!(stdout(), "{}", response.status().as_u16())?;
    }
    auth.shutdown(OnShutdown::Revoke).await;
    Ok(())
}
