//! The steps for the settings, the server, the login and the mount.

use km_settings::{Method, Settings};
use serde::Deserialize;
use vault_http::{ApiPath, ErrorKind as Http, Request};
use vault_kv::MountVersion;

use super::result::{CheckResult, LOGIN, MOUNT, SERVER, SETTINGS};
use crate::error::{Error, ErrorKind, convert};
use crate::inner::Inner;

const LOOKUP_SELF: ApiPath = ApiPath::from_static("auth/token/lookup-self");

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
    let mut results = vec![CheckResult::ok(SETTINGS, detail)];
    results.extend(settings.warnings.iter().map(|warning| {
        let detail = format!("{}: {}", warning.source, warning.message);
        CheckResult::warning(SETTINGS, detail, &warning.hint)
    }));
    let patterns = settings.allowed_team_locations.iter().flatten();
    let without_prefix = patterns.filter(|pattern| pattern.prefix().is_none());
    results.extend(without_prefix.map(|pattern| {
        let detail = format!(
            "KM_ALLOWED_TEAM_LOCATIONS: `{pattern}` has no path prefix, so that each team may use \
             the prefix of any other"
        );
        CheckResult::warning(SETTINGS, detail, format!("add a prefix: `{pattern}:PREFIX`"))
    }));
    results
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
    let health = match client.send(&Request::health(), None, client.deadline()).await {
        Ok(response) => response.json::<Health>(),
        Err(error) => Err(error),
    };
    let failed = |text: &str, hint: &str| {
        CheckResult::failed(SERVER, Error::new(ErrorKind::Unavailable, text).with_hint(hint))
    };
    match health {
        Err(error) => CheckResult::failed(SERVER, convert::http("read the server's health", error)),
        Ok(health) if !health.initialized => {
            failed("the server is not initialised", "run `vault operator init`")
        }
        Ok(health) if health.sealed => {
            failed("the server is sealed", "run `vault operator unseal`")
        }
        Ok(health) => {
            let version = health.version.unwrap_or_else(|| "version unknown".to_owned());
            CheckResult::ok(SERVER, format!("{} is unsealed, {version}", client.address()))
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
        return CheckResult::failed(LOGIN, error);
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
                return CheckResult::warning(LOGIN, detail, hint);
            }
            CheckResult::ok(LOGIN, detail)
        }
        Err(error) if error.kind() == Http::Denied => {
            CheckResult::ok(LOGIN, "the token is valid; it may not look itself up")
        }
        Err(error) => CheckResult::failed(LOGIN, convert::http("log in", error)),
    }
}

/// Checks that a KV version 2 engine is mounted at the global mount.
pub(super) async fn mount(inner: &Inner) -> CheckResult {
    let kv = &inner.kv;
    let mount = kv.mount();
    let failed =
        |error| CheckResult::failed(MOUNT, convert::kv(format!("check the mount {mount}"), error));
    match kv.mount_version().await {
        // Vault has one response for a missing mount and a missing capability. A list request
        // distinguishes them.
        Ok(MountVersion::Unknown) => match kv.list(None).await {
            Ok(_) => CheckResult::warning(
                MOUNT,
                format!("{mount} exists; its version can't be read"),
                "allow `read` on sys/internal/ui/mounts below the mount",
            ),
            Err(error) => failed(error),
        },
        Ok(version) => match kv.require_v2(version) {
            Err(error) => failed(error),
            Ok(()) => CheckResult::ok(MOUNT, format!("{mount} is KV version 2")),
        },
        Err(error) => failed(error),
    }
}
