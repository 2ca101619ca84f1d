//! Replaces the password of a database, unless another writer was faster.
//!
//! `typed-secrets MOUNT PATH PASSWORD`, with `VAULT_ADDR`, `VAULT_TOKEN` and the other variables of
//! Vault's command line.
#![expect(clippy::print_stdout, reason = "an example reports to its user")]

use std::error::Error;

use serde::{Deserialize, Serialize};
use vault_kv::vault_http::{Client, FixedToken, Session};
use vault_kv::{Cas, ErrorKind, Kv};
use zeroize::Zeroizing;

#[derive(Serialize, Deserialize)]
struct Database {
    host: String,
    port: u16,
    password: Zeroizing<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let [mount, path, password] = arguments()?;
    let session = Session::new(Client::from_env()?, FixedToken::from_env()?);
    let kv = Kv::new(session, mount.parse()?);
    let path = path.parse()?;

    let secret = kv.read(&path).await?;
    let mut database: Database = secret.parse()?;
    database.password = Zeroizing::new(password);
    match kv.write_value(&path, &database, Cas::Version(secret.metadata.version)).await {
        Ok(written) => {
            let Database { host, port, .. } = database;
            println!("{host}:{port} has a new password, version {}", written.version);
        }
        Err(error) if error.kind() == ErrorKind::CasMismatch => println!("{path} has changed"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn arguments() -> Result<[String; 3], &'static str> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    arguments.try_into().map_err(|_| "usage: typed-secrets MOUNT PATH PASSWORD")
}
