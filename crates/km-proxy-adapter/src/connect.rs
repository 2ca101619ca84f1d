//! From settings to the parts that talk to Vault: files are read and checked, nothing is sent.

use std::path::Path;
use std::sync::Arc;

use km_settings::{Credential as Setting, Method as Chosen, Settings};
use vault_auth::{AppRole, Auth, Certificate, Credential, Jwt, Method, StaticToken, Userpass};
use vault_http::{Address, ApiPath, BuildProblem, Client, PathError, Session, TokenSource};

use crate::error::{Error, Problem};
use crate::rules::plaintext;

/// The parts.
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) tokens: Arc<dyn TokenSource>,
    pub(crate) session: Session,
    pub(crate) login_namespace: Option<ApiPath>,
}

/// Makes them.
///
/// # Errors
/// Every file that can't be used, together.
pub(crate) async fn link(settings: &Settings) -> Result<Link, Error> {
    let mut files = Files::default();
    let client = client(settings, &mut files);
    files.check_credentials(&settings.login.method).await;
    let client = match client {
        Some(client) if files.problems.is_empty() => client,
        _ => return Err(Error::settings(files.problems)),
    };
    let login_namespace = settings.login.namespace.as_deref().map(ApiPath::parse).transpose();
    let login_namespace = login_namespace.map_err(|why| bad_path("login namespace", why))?;
    let auth = auth(&client, login_namespace.clone(), &settings.login.method)?;
    let tokens: Arc<dyn TokenSource> = Arc::new(auth);
    let session = Session::new(client.clone(), Arc::clone(&tokens));
    Ok(Link { client, tokens, session, login_namespace })
}

fn client(settings: &Settings, files: &mut Files) -> Option<Client> {
    let server = &settings.server;
    let address = Address::parse(&server.address, plaintext(server.danger_plaintext));
    let address = files.note("HCP_VAULT_ADDR", "write `https://host:port`", address)?;
    let mut builder = Client::builder(address).deadline(server.deadline);
    if let Some(path) = &server.ca_cert {
        builder = builder.ca_file(path);
    }
    if let Some(name) = &server.tls_server_name {
        builder = builder.server_name(name);
    }
    if let Chosen::Cert { certificate, key, .. } = &settings.login.method {
        builder = builder.identity_files(certificate, key);
    }
    builder.build().map_err(|error| error.problems().iter().for_each(|p| files.tls(p))).ok()
}

const CA_HINT: &str = "KM_CA_CERT, VAULT_CACERT or SSL_CERT_FILE names a PEM bundle";
const PAIR_HINT: &str =
    "HCP_VAULT_CLIENT_CERT and HCP_VAULT_CLIENT_KEY name the PEM files of one certificate";

/// Reads the files that settings name, and gathers what is wrong with them.
#[derive(Default)]
struct Files {
    problems: Vec<Problem>,
}

impl Files {
    fn problem(&mut self, source: impl ToString, what: impl ToString, hint: &str) {
        let (source, what) = (source.to_string(), what.to_string());
        self.problems.push(Problem { source, what, hint: hint.to_owned() });
    }

    fn note<T, E: ToString>(
        &mut self,
        source: impl ToString,
        hint: &str,
        outcome: Result<T, E>,
    ) -> Option<T> {
        outcome.map_err(|error| self.problem(source, error, hint)).ok()
    }

    fn tls(&mut self, problem: &BuildProblem) {
        let hint = match problem {
            BuildProblem::Trust(_) => CA_HINT,
            BuildProblem::Identity(_) => PAIR_HINT,
            BuildProblem::ServerName(_) => {
                "KM_TLS_SERVER_NAME is a name such as `vault.example.com`"
            }
            BuildProblem::Deadline => "KM_DEADLINE is a time such as `5s`",
            _ => "the file is named by KM_CA_CERT, HCP_VAULT_CLIENT_CERT or HCP_VAULT_CLIENT_KEY",
        };
        self.problem("TLS", problem, hint);
    }

    async fn check_credentials(&mut self, method: &Chosen) {
        let hint = "put the credential there, readable by this process";
        for file in credential_files(method) {
            if let Err(error) = Credential::File(file.to_owned()).read().await {
                let cause = std::error::Error::source(&error);
                let why = cause.map_or_else(String::new, |cause| format!(": {cause}"));
                self.problem(file.display(), format!("{}{why}", error.detail()), hint);
            }
        }
    }
}

fn credential_files(method: &Chosen) -> Vec<&Path> {
    let credentials = match method {
        Chosen::AppRole { role_id, secret_id, .. } => vec![role_id, secret_id],
        Chosen::Token(token) => vec![token],
        Chosen::Userpass { password, .. } => vec![password],
        Chosen::Jwt { token_file, .. } | Chosen::Kubernetes { token_file, .. } => {
            return vec![token_file];
        }
        Chosen::Cert { .. } => vec![],
    };
    let files = credentials.into_iter().filter_map(|credential| match credential {
        Setting::File(path) => Some(path.as_path()),
        Setting::Value(_) => None,
    });
    files.collect()
}

fn auth(client: &Client, namespace: Option<ApiPath>, method: &Chosen) -> Result<Auth, Error> {
    let path = |text: &str| ApiPath::parse(text).map_err(|why| bad_path("auth mount or name", why));
    let client = client.clone();
    Ok(match method {
        Chosen::AppRole { mount, role_id, secret_id, wrapped } => {
            let role = AppRole::new(credential(role_id), credential(secret_id)).mount(path(mount)?);
            let role = if *wrapped { role.wrapped() } else { role };
            source(client, namespace, role)
        }
        Chosen::Cert { role, .. } => source(client, namespace, Certificate::new(role.clone())),
        Chosen::Token(token) => source(client, namespace, StaticToken::new(credential(token))),
        Chosen::Jwt { mount, role, token_file } => {
            let jwt = Credential::File(token_file.clone());
            source(client, namespace, Jwt::new(role, jwt).mount(path(mount)?))
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

fn source(client: Client, namespace: Option<ApiPath>, method: impl Method) -> Auth {
    Auth::in_namespace(client, namespace, method)
}

fn credential(setting: &Setting) -> Credential {
    match setting {
        Setting::Value(value) => Credential::Value(value.clone()),
        Setting::File(path) => Credential::File(path.clone()),
    }
}

/// The settings were checked by the same rules, so this is for those who made them otherwise.
pub(crate) fn bad_path(source: &str, why: PathError) -> Error {
    let hint = "use plain segments with `/` between".to_owned();
    Error::settings([Problem { source: source.to_owned(), what: why.to_string(), hint }])
}
