//! Parts of the product for a fixture, and helpers of several tests.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use secrecy::SecretString;
use tempfile::TempDir;
use testkit::{Fixture, Server};
use tokio::time::{Instant, sleep};
use vault_auth::{AppRole, Auth, Credential, Method};
use vault_http::{Address, ApiPath, Client, ClientBuilder, Plaintext, Session};
use vault_kv::{Kv, Mount, SecretPath};

/// Longer than any wait in these tests. Only a failing test reaches it.
const HAPPENS_WITHIN: Duration = Duration::from_secs(30);

/// Returns a builder of a client for the server at `address`.
pub(crate) fn builder(address: &str) -> Result<ClientBuilder> {
    // Machines that build and test at once are slow, and no test with this client is about its
    // deadline.
    let patience = Duration::from_secs(30);
    Ok(Client::builder(Address::parse(address, Plaintext::LoopbackOnly)?).deadline(patience))
}

pub(crate) fn client(address: &str) -> Result<Client> {
    Ok(builder(address)?.build()?)
}

/// Returns a client that trusts only the server's authority.
pub(crate) fn tls_client(server: &Server) -> Result<ClientBuilder> {
    Ok(builder(server.address())?.ca_pem(server.certs()?.ca()))
}

pub(crate) fn value(text: &str) -> Credential {
    Credential::Value(SecretString::from(text))
}

/// Returns a login with the fixture's role.
pub(crate) fn approle(fixture: &Fixture) -> Result<AppRole> {
    let role = AppRole::new(value(&fixture.role_id), value(&fixture.secret_id));
    Ok(role.mount(ApiPath::parse(&fixture.auth_mount)?))
}

/// Returns a token source that revokes replaced tokens, as `km` does.
pub(crate) fn auth(fixture: &Fixture, method: impl Method) -> Result<Auth> {
    let client = client(fixture.server().address())?;
    Ok(Auth::builder(client, method).revoke_replaced(true).build())
}

/// Returns the fixture's mount with these tokens.
pub(crate) fn kv_by(fixture: &Fixture, auth: &Auth) -> Result<Kv> {
    kv_at(fixture, auth, Mount::new(&fixture.mount)?)
}

pub(crate) fn kv_at(fixture: &Fixture, auth: &Auth, mount: Mount) -> Result<Kv> {
    let session = Session::new(client(fixture.server().address())?, auth.clone());
    Ok(Kv::new(session, mount))
}

/// Returns the fixture's mount with a login by AppRole.
pub(crate) fn kv(fixture: &Fixture) -> Result<Kv> {
    kv_by(fixture, &auth(fixture, approle(fixture)?)?)
}

pub(crate) fn path(name: &str) -> Result<SecretPath> {
    SecretPath::new(name).with_context(|| format!("{name:?} is no path"))
}

/// Prints a measured figure, even if the test passes.
pub(crate) fn figure(text: &str) {
    use std::io::Write as _;
    // A closed stderr must not fail a test.
    let _ = writeln!(std::io::stderr(), "[figure] {text}");
}

/// Repeats a check until it is true.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + HAPPENS_WITHIN;
    while !is_so().await? {
        ensure!(Instant::now() < deadline, "never came: {what}");
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// An address to which a connection fails the test.
#[derive(Debug)]
pub(crate) struct Silence(TcpListener);

impl Silence {
    pub(crate) fn new() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    pub(crate) fn address(&self) -> Result<String> {
        Ok(format!("http://{}", self.0.local_addr()?))
    }

    /// Fails if there was a connection, because the system queues connections until they are
    /// accepted.
    pub(crate) fn expect_nobody(&self) -> Result<()> {
        ensure!(self.0.accept().is_err(), "a connection to the address that must be silent");
        Ok(())
    }
}

/// A temporary directory.
#[derive(Debug)]
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        let file = self.0.path().join(name);
        fs::write(&file, content)?;
        Ok(file)
    }
}

/// Returns the environment of a gateway for this fixture.
pub(crate) fn environment(fixture: &Fixture) -> BTreeMap<String, String> {
    variables(&[
        ("HCP_VAULT_ADDR", fixture.server().address()),
        ("HCP_VAULT_MOUNT_NAME", &fixture.mount),
        ("HCP_VAULT_APPROLE_MOUNT_PATH", &fixture.auth_mount),
        ("HCP_VAULT_APPROLE_ROLE_ID", &fixture.role_id),
        ("HCP_VAULT_APPROLE_SECRET_ID", &fixture.secret_id),
        ("KM_DEADLINE", "30s"),
    ])
}

pub(crate) fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
