//! Reads paths from stdin, one per line, requests each from Vault with an authenticated
//! `reqwest::Client`, and prints the status of each response.

use std::error::Error;

use reqwest::redirect::Policy;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, stdin, stdout};
use vault_auth::{AppRole, Auth, AuthenticatedClient, Credential, OnShutdown};
use vault_http::{Address, Client, Plaintext};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |name| arguments.next().ok_or(format!("{name} is missing"));
    let server = argument("the address")?;
    let role_id = Credential::Value(argument("the role id")?.into());
    let secret_id = Credential::File(argument("the file with the secret id")?.into());
    // The `reqwest::Client` needs a cryptography provider.
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().map_err(|_| "a cryptography provider is already installed")?;

    let client = Client::builder(Address::parse(&server, Plaintext::LoopbackOnly)?).build()?;
    let auth = Auth::new(client, AppRole::new(role_id, secret_id));
    let http = reqwest::Client::builder().redirect(Policy::none()).build()?;
    let vault = AuthenticatedClient::new(http, auth.clone());

    let mut paths = BufReader::new(stdin()).lines();
    while let Some(path) = paths.next_line().await? {
        let request = vault.client().get(format!("{server}/v1/{path}")).build()?;
        let status = vault.execute(request).await?.status().as_u16();
        stdout().write_all(format!("{status}\n").as_bytes()).await?;
        stdout().flush().await?;
    }
    auth.shutdown(OnShutdown::Revoke).await;
    Ok(())
}
