//! The product's own parts, made for a fixture, and the little that the suites share.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use secrecy::SecretString;
use tempfile::TempDir;
use testkit::{Fixture, Server};
use tokio::time::{Instant, sleep};
use vault_auth::{AppRole, Auth, Credential, Method};
use vault_http::{Address, ApiPath, Client, ClientBuilder, Plaintext, Session};
use vault_kv::{Kv, Mount, SecretPath};

/// Longer than anything that is waited for here; reached only by a test that fails.
const HAPPENS_WITHIN: Duration = Duration::from_secs(30);

/// A client of the server at `address`, still to be built.
pub(crate) fn builder(address: &str) -> Result<ClientBuilder> {
    // Two cores that build and test at once are slow: no test here is about the deadline.
    let patience = Duration::from_secs(30);
    Ok(Client::builder(Address::parse(address, Plaintext::LoopbackOnly)?).deadline(patience))
}

pub(crate) fn client(address: &str) -> Result<Client> {
    Ok(builder(address)?.build()?)
}

/// A client that trusts the server's authority alone.
pub(crate) fn tls_client(server: &Server) -> Result<ClientBuilder> {
    Ok(builder(server.address())?.ca_pem(server.certs()?.ca()))
}

pub(crate) fn value(text: &str) -> Credential {
    Credential::Value(SecretString::from(text))
}

/// The fixture's own role.
pub(crate) fn approle(fixture: &Fixture) -> Result<AppRole> {
    let role = AppRole::new(value(&fixture.role_id), value(&fixture.secret_id));
    Ok(role.mount(ApiPath::parse(&fixture.auth_mount)?))
}

/// A token source that revokes what it replaces, as `km` does.
pub(crate) fn auth(fixture: &Fixture, method: impl Method) -> Result<Auth> {
    let client = client(fixture.server().address())?;
    Ok(Auth::builder(client, method).revoke_replaced(true).build())
}

/// The fixture's mount by way of these tokens.
pub(crate) fn kv_by(fixture: &Fixture, auth: &Auth) -> Result<Kv> {
    kv_at(fixture, auth, Mount::new(&fixture.mount)?)
}

pub(crate) fn kv_at(fixture: &Fixture, auth: &Auth, mount: Mount) -> Result<Kv> {
    let session = Session::new(client(fixture.server().address())?, Arc::new(auth.clone()));
    Ok(Kv::new(session, mount))
}

/// The fixture's mount, logged in by AppRole.
pub(crate) fn kv(fixture: &Fixture) -> Result<Kv> {
    kv_by(fixture, &auth(fixture, approle(fixture)?)?)
}

pub(crate) fn path(name: &str) -> Result<SecretPath> {
    SecretPath::new(name).with_context(|| format!("{name:?} is no path"))
}

/// Tells a measured figure to the person who waits, also where the test passes.
pub(crate) fn figure(text: &str) {
    use std::io::Write as _;
    // A closed stderr is no reason to fail.
    let _ = writeln!(std::io::stderr(), "[figure] {text}");
}

/// Asks until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + HAPPENS_WITHIN;
    while !is_so().await? {
        ensure!(Instant::now() < deadline, "never came: {what}");
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// An address where a connection is a failure of the test.
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

    /// Fails when anybody has connected: the system keeps connections until they are accepted.
    pub(crate) fn expect_nobody(&self) -> Result<()> {
        ensure!(self.0.accept().is_err(), "somebody connected to the address that must be silent");
        Ok(())
    }
}

/// Files that go away with the test.
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

/// The environment that a gateway would have for this fixture.
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
