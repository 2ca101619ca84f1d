//! The server, the login and the mount, one question each.

use serde::Deserialize;
use vault_http::{ApiPath, Kind as Http, Request};
use vault_kv::MountVersion;

use super::Finding;
use crate::error::{Error, Kind};
use crate::explain;
use crate::keys::KeyManager;

const HEALTH: ApiPath = ApiPath::from_static("sys/health");
const LOOKUP_SELF: ApiPath = ApiPath::from_static("auth/token/lookup-self");

impl KeyManager {
    pub(crate) async fn check_server(&self) -> Finding {
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
            Finding::failed("server", Error::new(Kind::Unavailable, text).with_hint(hint))
        };
        match health {
            Err(error) => {
                Finding::failed("server", explain::http("ask the server for its health", error))
            }
            Ok(health) if !health.initialized => {
                failed("the server is not initialised", "initialise it: vault operator init")
            }
            Ok(health) if health.sealed => {
                failed("the server is sealed", "unseal it: vault operator unseal")
            }
            Ok(health) => {
                let version = health.version.unwrap_or_else(|| "of unknown version".to_owned());
                Finding::ok("server", format!("{} is unsealed, {version}", client.address()))
            }
        }
    }

    /// A token that was given has not been tried yet, so it is looked up as well.
    pub(super) async fn check_login(&self) -> Finding {
        #[derive(Deserialize)]
        struct Token {
            ttl: u64,
            policies: Vec<String>,
        }
        let link = &self.parts().link;
        let deadline = link.session.deadline();
        if let Err(error) = self.login_by(deadline).await {
            return Finding::failed("login", error);
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
                    return Finding::warning(
                        "login",
                        seen,
                        "use a token with fewer rights than root's",
                    );
                }
                Finding::ok("login", seen)
            }
            Err(error) if error.kind() == Http::Denied => {
                Finding::ok("login", "the token may not look itself up, so it lives")
            }
            Err(error) => Finding::failed("login", explain::http("log in", error)),
        }
    }

    pub(super) async fn check_mount(&self) -> Finding {
        let kv = &self.parts().kv;
        let mount = kv.mount();
        let failed = |error| {
            Finding::failed("mount", explain::kv(format!("look at the mount {mount}"), error))
        };
        match kv.mount_version().await {
            // Vault says the same to "missing" and "no right": its answer to a listing tells them
            // apart.
            Ok(MountVersion::Unknown) => match kv.list(None).await {
                Ok(_) => Finding::warning(
                    "mount",
                    format!("{mount} is there; its version can't be asked"),
                    "allow `read` on sys/internal/ui/mounts below the mount",
                ),
                Err(error) => failed(error),
            },
            Ok(version) => match kv.accept(version) {
                Err(error) => failed(error),
                Ok(()) => Finding::ok("mount", format!("{mount} is KV version 2")),
            },
            Err(error) => failed(error),
        }
    }
}
