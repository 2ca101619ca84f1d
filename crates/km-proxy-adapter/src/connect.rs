//! From settings to the parts that talk to Vault: files are read and checked, nothing is sent.

use std::path::PathBuf;
use std::sync::Arc;

use km_settings::{Credential as Setting, FileProblem, Login, Method as Chosen, Server, Settings};
use vault_auth::{AppRole, Auth, Certificate, Credential, Jwt, Method, StaticToken, Userpass};
use vault_http::{
    Address, ApiPath, BuildError, BuildErrorKind, Client, PathError, Session, TokenSource,
};

use crate::error::{Error, Problem};
use crate::rules::plaintext;

/// The parts.
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) auth: Auth,
    pub(crate) tokens: Arc<dyn TokenSource>,
    pub(crate) session: Session,
    pub(crate) login_namespace: Option<ApiPath>,
}

/// How long the program is going to use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lives {
    /// For one command: nothing is asked beside what it needs.
    Briefly,
    /// As a gateway does: a token that was given is looked up, and renewed where that can be.
    Long,
}

/// Makes them.
///
/// # Errors
/// What changed since the settings were checked: a file that can't be used any more.
pub(crate) fn link(settings: &Settings, lives: Lives) -> Result<Link, Error> {
    let address =
        Address::parse(&settings.server.address, plaintext(settings.server.danger_plaintext));
    let address = address.map_err(|why| bad("HCP_VAULT_ADDR", why, "write `https://host:port`"))?;
    let client =
        client(address, &settings.server, &settings.login).map_err(|error| {
            let problems = problems(&error, &settings.server, &settings.login);
            Error::settings(problems.into_iter().map(
                |FileProblem { file, message: what, hint }| Problem { source: file, what, hint },
            ))
        })?;
    let login_namespace = settings.login.namespace.as_deref().map(ApiPath::parse).transpose();
    let login_namespace = login_namespace.map_err(|why| bad_path("login namespace", why))?;
    let auth = auth(&client, login_namespace.clone(), &settings.login.method, lives)?;
    let tokens: Arc<dyn TokenSource> = Arc::new(auth.clone());
    let session = Session::new(client.clone(), Arc::clone(&tokens));
    Ok(Link { client, auth, tokens, session, login_namespace })
}

/// The client of these settings.
pub(crate) fn client(
    address: Address,
    server: &Server,
    login: &Login,
) -> Result<Client, BuildError> {
    let mut builder = Client::builder(address).deadline(server.deadline);
    if let Some(path) = &server.ca_cert {
        builder = builder.ca_file(path);
    }
    if let Some(name) = &server.tls_server_name {
        builder = builder.server_name(name);
    }
    if let Chosen::Cert { certificate, key, .. } = &login.method {
        builder = builder.identity_files(certificate, key);
    }
    builder.build()
}

/// What is wrong with the files and names that a client is made of.
pub(crate) fn problems(error: &BuildError, server: &Server, login: &Login) -> Vec<FileProblem> {
    let shown = |path: &PathBuf| path.display().to_string();
    let authority = server.ca_cert.as_ref().map_or_else(|| "TLS".to_owned(), shown);
    let pair = match &login.method {
        Chosen::Cert { certificate, key, .. } => format!("{}, {}", shown(certificate), shown(key)),
        _ => "TLS".to_owned(),
    };
    let problem = |problem: &BuildErrorKind| {
        let (file, what, hint) = match problem {
            BuildErrorKind::Trust(why) => (authority.clone(), why.to_string(), CA_HINT),
            BuildErrorKind::Identity(why) => (pair.clone(), why.to_string(), PAIR_HINT),
            BuildErrorKind::File { path, reason: why } => {
                let hint = if server.ca_cert.as_ref() == Some(path) { CA_HINT } else { PAIR_HINT };
                (shown(path), format!("the file can't be read: {why}"), hint)
            }
            BuildErrorKind::ServerName(why) => {
                ("KM_TLS_SERVER_NAME".to_owned(), why.to_string(), "set it to a host name")
            }
            other => ("settings".to_owned(), other.to_string(), "set KM_DEADLINE to `5s` or so"),
        };
        FileProblem { file, message: what, hint: hint.to_owned() }
    };
    error.problems().iter().map(problem).collect()
}

const CA_HINT: &str = "KM_CA_CERT, VAULT_CACERT or SSL_CERT_FILE names a PEM bundle";
const PAIR_HINT: &str =
    "HCP_VAULT_CLIENT_CERT and HCP_VAULT_CLIENT_KEY name the PEM files of one certificate";

fn auth(
    client: &Client,
    namespace: Option<ApiPath>,
    method: &Chosen,
    lives: Lives,
) -> Result<Auth, Error> {
    let path = |text: &str| ApiPath::parse(text).map_err(|why| bad_path("auth mount or name", why));
    let client = client.clone();
    Ok(match method {
        Chosen::AppRole { mount, role_id, secret_id, wrapped } => {
            let role = match secret_id {
                Some(secret_id) => AppRole::new(credential(role_id), credential(secret_id)),
                None => AppRole::without_secret_id(credential(role_id)),
            };
            let role = if *wrapped { role.wrapped() } else { role };
            source(client, namespace, role.mount(path(mount)?))
        }
        Chosen::Cert { role, certificate, key } => {
            let shown = Certificate::new(role.clone()).files(certificate, key);
            source(client, namespace, shown)
        }
        Chosen::Token(token) => {
            let token = StaticToken::new(credential(token));
            let token = if lives == Lives::Long { token.with_lookup() } else { token };
            source(client, namespace, token)
        }
        Chosen::Jwt { mount, role, token_file } => {
            let jwt = Credential::File(token_file.clone());
            let jwt = match role {
                Some(role) => Jwt::new(role, jwt),
                None => Jwt::with_default_role(jwt),
            };
            source(client, namespace, jwt.mount(path(mount)?))
        }
        Chosen::Kubernetes { mount, role, token_file } => {
            let jwt = Credential::File(token_file.clone());
            source(client, namespace, Jwt::kubernetes(role, jwt).mount(path(mount)?))
        }
        Chosen::Userpass { mount, username, password } => {
            let user = Userpass::new(path(username)?, credential(password)).mount(path(mount)?);
            source(client, namespace, user)
        }
    })
}

/// A replaced token is revoked: it only reads and writes KV secrets, so that Vault has no leases or
/// child tokens to revoke with it.
fn source(client: Client, namespace: Option<ApiPath>, method: impl Method) -> Auth {
    Auth::builder(client, method).namespace(namespace).name("km").revoke_replaced(true).build()
}

fn credential(setting: &Setting) -> Credential {
    match setting {
        Setting::Value(value) => Credential::Value(value.clone()),
        Setting::File(path) => Credential::File(path.clone()),
    }
}

/// The settings were checked by the same rules, so this is for those who made them otherwise.
pub(crate) fn bad_path(source: &str, why: PathError) -> Error {
    bad(source, why, "use plain segments with `/` between")
}

fn bad(source: &str, why: impl ToString, hint: &str) -> Error {
    let (what, hint) = (why.to_string(), hint.to_owned());
    Error::settings([Problem { source: source.to_owned(), what, hint }])
}
