//! The connection to Vault: from settings to a client and a login.
//!
//! Reads and checks files; sends nothing.

pub(crate) mod auth;
pub(crate) mod client;
pub(crate) mod config_files;
pub(crate) mod mounts;
pub(crate) mod validator;

use km_settings::{FileProblem, Settings};
use vault_auth::Auth;
use vault_http::{
    Address, ApiPath, Client, ClientBuilder, Deadline, ErrorKind as Http, Session, TokenSource,
};

use crate::error::{Error, Problem, convert};

/// A client, the login that authenticates it, and the session of both.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) auth: Auth,
    pub(crate) session: Session,
    pub(crate) login_namespace: Option<ApiPath>,
}

/// Builds the connection. `customize` may change the client before it is built.
///
/// # Errors
/// [`ErrorKind::Settings`](crate::ErrorKind::Settings) for a file that became invalid since the
/// settings were checked.
pub(crate) fn connect(
    settings: &Settings,
    lifetime: auth::Lifetime,
    customize: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<Connection, Error> {
    let (server, login) = (&settings.server, &settings.login);
    let address = Address::parse(&server.address, client::plaintext(server.danger_plaintext));
    let address = address.map_err(|why| {
        convert::invalid_setting("HCP_VAULT_ADDR", why.reason(), "set it to `https://host:port`")
    })?;
    let client = customize(client::builder(address, server, login))
        .build()
        .map_err(|error| file_problems(client::problems(&error, server, login)))?;
    let login_namespace = login.namespace.as_deref().map(ApiPath::parse).transpose();
    let login_namespace =
        login_namespace.map_err(|why| convert::invalid_path("login namespace", &why))?;
    let auth = auth::auth(&client, login_namespace.clone(), &login.method, lifetime)?;
    let session = Session::new(client.clone(), auth.clone());
    Ok(Connection { client, auth, session, login_namespace })
}

impl Connection {
    /// Waits for a valid token until the deadline.
    pub(crate) async fn login(&self, deadline: Deadline) -> Result<(), Error> {
        let token = deadline.bound(self.auth.token()).await;
        let token = token.unwrap_or_else(|| Err(vault_http::Error::new(Http::Timeout, "log in")));
        token.map(drop).map_err(|error| convert::http("log in", error))
    }
}

fn file_problems(problems: Vec<FileProblem>) -> Error {
    let problems = problems.into_iter();
    Error::settings(problems.map(|FileProblem { file, message, hint }| Problem {
        source: file,
        message,
        hint,
    }))
}
