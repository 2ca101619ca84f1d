//! Is everything in place? Asked step by step, from the server to the rights.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vault_http::{ApiPath, Kind as Http, Request};
use vault_kv::MountVersion;

use crate::error::{Error, Kind};
use crate::explain;
use crate::keys::KeyManager;

const HEALTH: ApiPath = ApiPath::from_static("sys/health");
const LOOKUP_SELF: ApiPath = ApiPath::from_static("auth/token/lookup-self");
const CAPABILITIES: ApiPath = ApiPath::from_static("sys/capabilities-self");

/// What one step of a check came to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Finding {
    /// What was looked at, such as `login`.
    pub step: &'static str,
    /// What was seen, where it is well.
    pub seen: String,
    /// Whether that is well.
    pub verdict: Verdict,
}

/// Whether a step of a check went well.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It is well.
    Ok,
    /// It works, and may not be what was meant; the text says how to mend it.
    Warning(String),
    /// It does not work.
    Failed(Error),
}

impl Finding {
    fn ok(step: &'static str, seen: impl Into<String>) -> Self {
        Self { step, seen: seen.into(), verdict: Verdict::Ok }
    }

    fn warning(step: &'static str, seen: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { step, seen: seen.into(), verdict: Verdict::Warning(hint.into()) }
    }

    fn failed(step: &'static str, error: Error) -> Self {
        Self { step, seen: String::new(), verdict: Verdict::Failed(error) }
    }
}

impl KeyManager {
    /// Looks at the settings, the server, the login, the mount and the rights, in this order. Steps
    /// that make no sense after a failure are left out. Nothing is written, no secret is read.
    pub async fn check(&self) -> Vec<Finding> {
        let mut findings = self.check_settings();
        let server = self.check_server().await;
        let reachable = !matches!(server.verdict, Verdict::Failed(_));
        findings.push(server);
        if !reachable {
            return findings;
        }
        let login = self.check_login().await;
        let logged_in = !matches!(login.verdict, Verdict::Failed(_));
        findings.push(login);
        if logged_in {
            findings.push(self.check_mount().await);
            findings.extend(self.check_rights().await);
        }
        findings
    }

    fn check_settings(&self) -> Vec<Finding> {
        let settings = self.settings();
        let method = match &settings.login.method {
            km_settings::Method::AppRole { .. } => "AppRole",
            km_settings::Method::Cert { .. } => "TLS certificate",
            km_settings::Method::Token(_) => "token",
            km_settings::Method::Jwt { .. } => "JWT",
            km_settings::Method::Kubernetes { .. } => "Kubernetes",
            km_settings::Method::Userpass { .. } => "userpass",
        };
        let seen = format!("server {}, login by {method}", settings.server.address);
        let mut findings = vec![Finding::ok("settings", seen)];
        findings.extend(settings.warnings.iter().map(|warning| {
            let seen = format!("{}: {}", warning.source, warning.what);
            Finding::warning("settings", seen, &warning.hint)
        }));
        findings
    }

    async fn check_server(&self) -> Finding {
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
    async fn check_login(&self) -> Finding {
        #[derive(Deserialize)]
        struct Token {
            ttl: u64,
            policies: Vec<String>,
        }
        let link = &self.parts().link;
        let deadline = link.session.deadline();
        let token = deadline.bound(link.tokens.token()).await;
        let failed = |error| Finding::failed("login", explain::http("log in", error));
        match token {
            None => return failed(vault_http::Error::new(Http::Timeout, "log in")),
            Some(Err(error)) => return failed(error),
            Some(Ok(_)) => {}
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
            Err(error) => failed(error),
        }
    }

    async fn check_mount(&self) -> Finding {
        let kv = &self.parts().kv;
        let mount = kv.mount();
        let failed = |error| {
            Finding::failed("mount", explain::kv(format!("look at the mount {mount}"), error))
        };
        match kv.mount_version().await {
            Ok(MountVersion::Two) => Finding::ok("mount", format!("{mount} is KV version 2")),
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
            Ok(_) => match kv.require_version_two().await {
                Err(error) => failed(error),
                Ok(()) => Finding::ok("mount", format!("{mount} is KV version 2")),
            },
            Err(error) => failed(error),
        }
    }

    async fn check_rights(&self) -> Vec<Finding> {
        let needs = match self.needs() {
            Ok(needs) => needs,
            Err(error) => return vec![Finding::failed("rights", error)],
        };
        if needs.is_empty() {
            return vec![Finding::ok("rights", "these settings ask Vault for no secret")];
        }
        let rights = match self.rights(needs.keys().collect()).await {
            Ok(rights) => rights,
            Err(error) if error.kind() == Http::Denied => {
                let seen = "the token may not ask for its own rights";
                let hint =
                    "give it the policy `default`, or allow `update` on sys/capabilities-self";
                return vec![Finding::warning("rights", seen, hint)];
            }
            Err(error) => {
                return vec![Finding::failed(
                    "rights",
                    explain::http("ask for the token's rights", error),
                )];
            }
        };
        needs.iter().map(|(path, needed)| judge(path, needed, rights.get(path))).collect()
    }

    /// The paths that these settings need, and what has to be allowed there.
    fn needs(&self) -> Result<BTreeMap<String, Vec<&'static str>>, Error> {
        let settings = self.settings();
        let mut needed = Vec::new();
        if settings.access_mode.reads()
            && settings.hosted_keys.as_ref().is_none_or(|keys| !keys.is_empty())
        {
            needed.push("read");
        }
        if settings.access_mode.writes() {
            needed.extend(["create", "update", "delete"]);
        }
        if needed.is_empty() {
            return Ok(BTreeMap::new());
        }
        let names: Vec<&str> = match &settings.hosted_keys {
            Some(hosted) if !hosted.is_empty() => hosted.iter().map(String::as_str).collect(),
            _ => vec!["OPENAI_API_KEY"],
        };
        let mount = self.parts().kv.mount();
        names
            .into_iter()
            .map(|name| Ok((mount.data(&self.path(name)?).decoded().into_owned(), needed.clone())))
            .collect()
    }

    /// What the token may do at `paths`, asked where those paths are known.
    async fn rights(
        &self,
        paths: Vec<&String>,
    ) -> Result<BTreeMap<String, Vec<String>>, vault_http::Error> {
        #[derive(Serialize)]
        struct Paths<'a> {
            paths: Vec<&'a str>,
        }
        let link = &self.parts().link;
        let deadline = link.session.deadline();
        if let Some(namespace) = self.parts().kv.mount().namespace() {
            // In a namespace of its own the paths are relative to it.
            let head = format!("{}/", namespace.decoded());
            let relative = paths.iter().filter_map(|path| path.strip_prefix(&head)).collect();
            let question =
                Request::post(namespace.join(&CAPABILITIES), &Paths { paths: relative })?
                    .idempotent();
            match link.session.send(&question, deadline).await {
                Ok(answer) => {
                    let rights: BTreeMap<String, Vec<String>> = answer.data()?;
                    return Ok(rights
                        .into_iter()
                        .map(|(path, can)| (head.clone() + &path, can))
                        .collect());
                }
                Err(error)
                    if matches!(error.kind(), Http::NoMount | Http::Denied | Http::Rejected) => {}
                Err(error) => return Err(error),
            }
        }
        let paths = paths.iter().map(|path| path.as_str()).collect();
        let question = Request::post(CAPABILITIES, &Paths { paths })?.idempotent();
        link.session.send(&question, deadline).await?.data()
    }
}

fn judge(path: &str, needed: &[&str], rights: Option<&Vec<String>>) -> Finding {
    let has = |right: &str| rights.is_some_and(|rights| rights.iter().any(|held| held == right));
    let missing: Vec<_> =
        needed.iter().copied().filter(|right| !has(right) && !has("root")).collect();
    if missing.is_empty() {
        return Finding::ok("rights", format!("{} on {path}", needed.join(", ")));
    }
    let missing = missing.join(", ");
    let error = Error::new(Kind::Denied, format!("the token has no {missing} on {path}"))
        .with_hint(format!("a policy of the token has to allow {missing} there"));
    Finding::failed("rights", error)
}
