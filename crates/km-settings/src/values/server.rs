//! The server and the way to it.

use std::path::PathBuf;
use std::time::Duration;

use crate::problem::SettingSource;
use crate::reader::Reader;
use crate::text::has_control;

/// Vault's own development server, which is LiteLLM's default.
const ADDRESS: &str = "http://127.0.0.1:8200";
/// A gateway's caller waits: longer than a slow answer and a retry, shorter than its patience.
const DEADLINE: Duration = Duration::from_secs(5);

/// The server and the way to it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Server {
    /// Scheme, host and port, without a `/` at the end. The rules have accepted it.
    pub address: String,
    /// PEM bundle that the server's certificate is checked against; the system's roots otherwise.
    pub ca_cert: Option<PathBuf>,
    /// The name that the certificate must carry; the address's host otherwise.
    pub tls_server_name: Option<String>,
    /// Whether `http` may go to something else than loopback.
    pub danger_plaintext: bool,
    /// How long one operation may take, retries included. Never zero.
    pub deadline: Duration,
}

impl Server {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        // Where the switch can't be read, the address is not judged by it as well.
        let danger_plaintext = match reader.own("KM_DANGER_PLAINTEXT") {
            Some(found) => found.boolean(&mut reader.notes),
            None => Some(false),
        };
        Self {
            address: address(reader, danger_plaintext.unwrap_or(true)),
            ca_cert: ca_cert(reader),
            tls_server_name: tls_server_name(reader),
            danger_plaintext: danger_plaintext.unwrap_or(false),
            deadline: deadline(reader),
        }
    }
}

fn address(reader: &mut Reader<'_>, danger_plaintext: bool) -> String {
    let found = reader.variable("HCP_VAULT_ADDR");
    let text = found.as_ref().and_then(|found| found.text(&mut reader.notes)).unwrap_or(ADDRESS);
    let address = text.trim().trim_matches('/').to_owned();
    // It is not quoted: user info in it would be a password.
    if let Err(why) = reader.rules.address(&address, danger_plaintext) {
        let hint = "set it to `https://host:port`; KM_DANGER_PLAINTEXT=true allows `http` anywhere";
        reader.notes.problem(SettingSource::Variable("HCP_VAULT_ADDR".to_owned()), why, hint);
    }
    address
}

fn ca_cert(reader: &mut Reader<'_>) -> Option<PathBuf> {
    reader.file("KM_CA_CERT").or_else(|| {
        let found = reader.variable("VAULT_CACERT").or_else(|| reader.variable("SSL_CERT_FILE"))?;
        found.text(&mut reader.notes).map(PathBuf::from)
    })
}

fn tls_server_name(reader: &mut Reader<'_>) -> Option<String> {
    let found = reader.own("KM_TLS_SERVER_NAME")?;
    let name = found.text(&mut reader.notes)?.trim();
    if has_control(name) || name.contains(char::is_whitespace) {
        let what = format!("{} is no host name", found.shown(name));
        let hint = "set it to a name such as `vault.example.com`";
        reader.notes.problem(found.source.clone(), what, hint);
    }
    (!name.is_empty()).then(|| name.to_owned())
}

fn deadline(reader: &mut Reader<'_>) -> Duration {
    let Some(found) = reader.own("KM_DEADLINE") else {
        return DEADLINE;
    };
    let Some(deadline) = found.duration(&mut reader.notes) else {
        return DEADLINE;
    };
    if deadline.is_zero() {
        reader.notes.problem(found.source, "leaves an operation no time", "set it to `5s` or so");
    }
    deadline
}
