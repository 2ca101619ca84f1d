//! Asks Vault for each path that stands on a line of stdin, with an HTTP client of its own whose
//! requests stay authenticated, and prints the status of each answer.

use std::error::Error;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, stdin, stdout};
use vault_auth::{AppRole, Auth, Credential, OwnToken};
use vault_http::{Address, Client, Denial, Plaintext, TokenSource as _, Verdict};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |name| arguments.next().ok_or(format!("{name} is missing"));
    let server = argument("the address")?;
    let role_id = Credential::Value(argument("the role id")?.into());
    let secret_id = Credential::File(argument("the file with the secret id")?.into());

    // One provider of cryptography for both clients: the one that `vault-http` has.
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().map_err(|_| "there is another provider already")?;

    // A client for what concerns the token; it is kept good from here on.
    let client = Client::builder(Address::parse(&server, Plaintext::LoopbackOnly)?).build()?;
    let auth = Auth::new(client, AppRole::new(role_id, secret_id));
    auth.start();

    // The program's own client, for everything else.
    let http = reqwest::Client::new();
    let mut paths = BufReader::new(stdin()).lines();
    while let Some(path) = paths.next_line().await? {
        let status = get(&http, &auth, &format!("{server}/v1/{path}")).await?;
        stdout().write_all(format!("{status}\n").as_bytes()).await?;
        stdout().flush().await?;
    }
    auth.shutdown(OwnToken::Revoke).await;
    Ok(())
}

/// One request; once more with another token, where the one that was sent turns out to be dead.
async fn get(http: &reqwest::Client, auth: &Auth, url: &str) -> Result<u16, Box<dyn Error>> {
    let mut again = true;
    loop {
        let lease = auth.token().await?;
        let request = http.get(url).header("X-Vault-Token", lease.token.expose());
        let answer = request.send().await?;
        let (generation, status) = (lease.generation, answer.status().as_u16());
        if status != 403 || !again {
            return Ok(status);
        }
        let token_invalid = answer.text().await?.contains("invalid token");
        let verdict = auth.denied(Denial { generation, token_invalid }).await?;
        again = false;
        if verdict == Verdict::PathDenied {
            return Ok(status);
        }
    }
}
