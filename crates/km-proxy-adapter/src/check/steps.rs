//! The server, the login and the mount, one question each.

use serde::Deserialize;
use vault_http::{ApiPath, ErrorKind as Http, Request};
use vault_kv::MountVersion;

use super::CheckResult;
use crate::error::convert as explain;
use crate::error::{Error, ErrorKind};
use crate::key_manager::KeyManager;

const HEALTH: ApiPath = ApiPath::from_static("sys/health");
const LOOKUP_SELF: ApiPath = ApiPath::from_static("auth/token/lookup-self");

impl KeyManager {
    pub(crate) async fn check_server(&self) -> CheckResult {
        #[derive(Deserialize)]
        struct Health {
            initialized: bool,
            sealed: bool,
            version: Option<String>,
        }
        let client = &self.parts().link.client;
        // The states of a node are answers here, not errors.
        let request = [
            "sealedcode",
            "uninitcode",
            "standbycode",
            "drsecondarycode",
            "performancestandbycode",
        ]
        .iter()
        .fold(Request::get(HEALTH), |request, state| request.query(state, "200"));
        let health = match client.send(&request, None, client.deadline()).await {
            Ok(answer) => answer.json::<Health>(),
            Err(error) => Err(error),
        };
        let failed = |text: &str, hint: &str| {
            CheckResult::failed("server", Error::new(ErrorKind::Unavailable, text).with_hint(hint))
        };
        match health {
            Err(error) => {
                CheckResult::failed("server", explain::http("ask the server for its health", error))
            }
            Ok(health) if !health.initialized => {
                failed("the server is not initialised", "initialise it: vault operator init")
            }
            Ok(health) if health.sealed => {
                failed("the server is sealed", "unseal it: vault operator unseal")
            }
            Ok(health) => {
                let version = health.version.unwrap_or_else(|| "of unknown version".to_owned());
                CheckResult::ok("server", format!("{} is unsealed, {version}", client.address()))
            }
        }
    }

    /// A token that was given has not been tried yet, so it is looked up as well.
    pub(super) async fn check_login(&self) -> CheckResult {
        #[derive(Deserialize)]
        struct Token {
            ttl: u64,
            policies: Vec<String>,
        }
        let link = &self.parts().link;
        let deadline = link.session.deadline();
        if let Err(error) = self.login_by(deadline).await {
            return CheckResult::failed("login", error);
        }
        let request = Request::get(LOOKUP_SELF).namespace(link.login_namespace.as_ref());
        match link.session.send(&request, deadline).await.and_then(|answer| answer.data::<Token>())
        {
            Ok(Token { ttl, policies }) => {
                let lives =
                    if ttl == 0 { "without end".to_owned() } else { format!("for {ttl} s") };
                let policies = policies.join(", ");
                let seen = format!("the token lives {lives}; policies: {policies}");
                if policies.split(", ").any(|policy| policy == "root") {
                    return CheckResult::warning(
                        "login",
                        seen,
                        "use a token with fewer rights than root's",
                    );
                }
                CheckResult::ok("login", seen)
            }
            Err(error) if error.kind() == Http::Denied => {
                CheckResult::ok("login", "the token may not look itself up, so it lives")
            }
            Err(error) => CheckResult::failed("login", explain::http("log in", error)),
        }
    }

    pub(super) async fn check_mount(&self) -> CheckResult {
        let kv = &self.parts().kv;
        let mount = kv.mount();
        let failed = |error| {
            CheckResult::failed("mount", explain::kv(format!("look at the mount {mount}"), error))
        };
        match kv.mount_version().await {
            // Vault says the same to "missing" and "no right": its answer to a listing tells them
            // apart.
            Ok(MountVersion::Unknown) => match kv.list(None).await {
                Ok(_) => CheckResult::warning(
                    "mount",
                    format!("{mount} is there; its version can't be asked"),
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
}
