//! The steps for the settings, the server, the login and the mount.

use km_settings::{Method, Settings};
use serde::Deserialize;
use vault_http::{ApiPath, ErrorKind as Http, Request};
use vault_kv::{ErrorKind as Stored, Mount, MountVersion};

use super::namespace::contains;
use super::result::CheckResult;
use crate::error::{Error, ErrorKind, convert};
use crate::inner::Inner;

const HEALTH: ApiPath = ApiPath::from_static("sys/health");
const LOOKUP_SELF: ApiPath = ApiPath::from_static("auth/token/lookup-self");

const LOGIN_NAMESPACE_HINT: &str = "create the namespace of the login, or check \
     HCP_VAULT_LOGIN_NAMESPACE and HCP_VAULT_NAMESPACE";
const SECRET_NAMESPACE_HINT: &str = "create the namespace of the secrets, or check \
     HCP_VAULT_SECRET_NAMESPACE and HCP_VAULT_NAMESPACE";

/// The parameters that make `sys/health` return 200 in every state of a node, so that the state is
/// read from the body.
const HEALTH_PARAMETERS: [&str; 6] = [
    "sealedcode",
    "uninitcode",
    "standbycode",
    "drsecondarycode",
    "performancestandbycode",
    // A standby of Vault that cannot reach the active node.
    "haunhealthycode",
];

/// Reports the settings in use and their warnings.
pub(super) fn settings(settings: &Settings) -> Vec<CheckResult> {
    let method = match &settings.login.method {
        Method::AppRole { .. } => "AppRole",
        Method::Cert { .. } => "TLS certificate",
        Method::Token(_) => "token",
        Method::Jwt { .. } => "JWT",
        Method::Kubernetes { .. } => "Kubernetes",
        Method::Userpass { .. } => "userpass",
    };
    let detail = format!("server {}, login by {method}", settings.server.address);
    let mut results = vec![CheckResult::ok("settings", detail)];
    results.extend(settings.warnings.iter().map(|warning| {
        let detail = format!("{}: {}", warning.source, warning.message);
        CheckResult::warning("settings", detail, &warning.hint)
    }));
    results.extend(unreachable_namespace(settings));
    let patterns = settings.allowed_team_locations.iter().flatten();
    let without_prefix = patterns.filter(|pattern| pattern.prefix().is_none());
    results.extend(without_prefix.map(|pattern| {
        let detail = format!(
            "KM_ALLOWED_TEAM_LOCATIONS: `{pattern}` has no path prefix, so that each team may use \
             the prefix of any other"
        );
        CheckResult::warning("settings", detail, format!("add a prefix: `{pattern}:PREFIX`"))
    }));
    results
}

/// Warns of a login namespace whose tokens can't reach the secrets. A static token may have been
/// issued elsewhere.
fn unreachable_namespace(settings: &Settings) -> Option<CheckResult> {
    let secrets = settings.location.namespace.as_deref();
    let login = settings.login.namespace.as_deref()?;
    if contains(Some(login), secrets) || matches!(settings.login.method, Method::Token(_)) {
        return None;
    }
    let secrets = secrets.map_or("the root namespace".to_owned(), |name| format!("`{name}`"));
    let detail = format!(
        "a token is valid in its namespace and below it: one of the login namespace `{login}` \
         does not reach the secrets in {secrets}"
    );
    let hint = "set HCP_VAULT_LOGIN_NAMESPACE to the namespace of the secrets or to one above it";
    Some(CheckResult::warning("settings", detail, hint))
}

/// Checks that the server responds, is initialised and is unsealed.
pub(crate) async fn server(inner: &Inner) -> CheckResult {
    #[derive(Deserialize)]
    struct Health {
        initialized: bool,
        sealed: bool,
        version: Option<String>,
    }
    let client = &inner.connection.client;
    let request = HEALTH_PARAMETERS
        .iter()
        .fold(Request::get(HEALTH), |request, parameter| request.query(parameter, "200"));
    let health = match client.send(&request, None, client.deadline()).await {
        Ok(response) => response.json::<Health>(),
        Err(error) => Err(error),
    };
    let failed = |text: &str, hint: &str| {
        CheckResult::failed("server", Error::new(ErrorKind::Unavailable, text).with_hint(hint))
    };
    match health {
        Err(error) => {
            CheckResult::failed("server", convert::http("read the server's health", error))
        }
        Ok(health) if !health.initialized => {
            failed("the server is not initialised", "run `vault operator init`")
        }
        Ok(health) if health.sealed => {
            failed("the server is sealed", "run `vault operator unseal`")
        }
        Ok(health) => {
            let version = health.version.unwrap_or_else(|| "version unknown".to_owned());
            CheckResult::ok("server", format!("{} is unsealed, {version}", client.address()))
        }
    }
}

/// Checks that there is a valid token. It is looked up, because a static token was not used yet.
pub(super) async fn login(inner: &Inner) -> CheckResult {
    #[derive(Deserialize)]
    struct Token {
        ttl: u64,
        policies: Vec<String>,
    }
    let connection = &inner.connection;
    let deadline = connection.session.deadline();
    if let Err(error) = connection.login(deadline).await {
        // The only thing that a login can lack is its namespace.
        let is_missing = error.kind() == ErrorKind::NotFound;
        let error = if is_missing { error.with_hint(LOGIN_NAMESPACE_HINT) } else { error };
        return CheckResult::failed("login", error);
    }
    let request = Request::get(LOOKUP_SELF).namespace(connection.login_namespace.as_ref());
    let response = connection.session.send(&request, deadline).await;
    match response.and_then(|response| response.data::<Token>()) {
        Ok(Token { ttl, policies }) => {
            let expiry =
                if ttl == 0 { "does not expire".to_owned() } else { format!("expires in {ttl} s") };
            let detail = format!("the token {expiry}; policies: {}", policies.join(", "));
            if policies.iter().any(|policy| policy == "root") {
                let hint = "use a token with fewer privileges than root";
                return CheckResult::warning("login", detail, hint);
            }
            CheckResult::ok("login", detail)
        }
        Err(error) if error.kind() == Http::Denied => {
            CheckResult::ok("login", "the token is valid; it may not look itself up")
        }
        Err(error) if error.kind() == Http::NoNamespace => {
            let error = convert::http("log in", error).with_hint(LOGIN_NAMESPACE_HINT);
            CheckResult::failed("login", error)
        }
        Err(error) => CheckResult::failed("login", convert::http("log in", error)),
    }
}

/// Checks that a KV version 2 engine is mounted at the global mount.
pub(super) async fn mount(inner: &Inner) -> CheckResult {
    let kv = &inner.kv;
    let mount = kv.mount();
    let failed = |error| mount_failed(mount, error);
    match kv.mount_version().await {
        // Vault has one response for a missing mount and a missing capability. A list request
        // distinguishes them.
        Ok(MountVersion::Unknown) => match kv.list(None).await {
            Ok(_) => CheckResult::warning(
                "mount",
                format!("{mount} exists; its version can't be read"),
                "allow `read` on sys/internal/ui/mounts below the mount",
            ),
            Err(error) => failed(error),
        },
        Ok(version) => match kv.require_v2(version) {
            Err(error) => failed(error),
            Ok(()) => CheckResult::ok("mount", format!("{mount} is KV version 2")),
        },
        Err(error) => failed(error),
    }
}

/// Checks, after a failed login, whether the namespace of the secrets is missing too. Returns `None`
/// unless it is.
pub(super) async fn missing_namespace(inner: &Inner) -> Option<CheckResult> {
    let same = inner.settings.location.namespace == inner.settings.login.namespace;
    let error = if same { None } else { inner.kv.check_namespace().await.err() };
    error.filter(is_missing_namespace).map(|error| mount_failed(inner.kv.mount(), error))
}

fn mount_failed(mount: &Mount, error: vault_kv::Error) -> CheckResult {
    let is_missing = is_missing_namespace(&error);
    let error = convert::kv(format!("check the mount {mount}"), error);
    let error = if is_missing { error.with_hint(SECRET_NAMESPACE_HINT) } else { error };
    CheckResult::failed("mount", error)
}

fn is_missing_namespace(error: &vault_kv::Error) -> bool {
    error.kind() == Stored::Exchange(Http::NoNamespace)
}
