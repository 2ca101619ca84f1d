//! Two teams at random locations, each with the printed policy of its settings and no other: one
//! never reads, lists, changes or deletes the keys of the other.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use fastrand::Rng;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use testkit::{Engine, Km, Server, secret, unique};

use super::client::Response;
use super::sidecar::Sidecar;
use crate::namespaces::{join, token_with};

const PAIRS: usize = 6;
const ALIAS: &str = "alias";

const MOUNTS: [&str; 2] = ["kv", "kv-2"];
const PREFIXES: [&str; 6] = ["", "x", "x/y", "xy", "z/litellm", "litellm"];

/// Pieces of paths that try to leave a location.
const TRICKS: [&str; 14] = [
    "..",
    ".",
    "%2e%2e",
    "%2E.",
    "..%2f..",
    "%252e%252e",
    "",
    "%00",
    "*",
    "+",
    "data",
    "metadata",
    "litellm",
    "%2f",
];

/// The location of a team and a token that was issued for it.
#[derive(Debug)]
struct Team {
    namespace: String,
    mount: &'static str,
    prefix: &'static str,
    token: String,
    value: String,
}

impl Team {
    /// Draws a location and creates what it needs.
    async fn new(server: &Server, namespaces: &[String], random: &mut Rng) -> Result<Self> {
        let mut team = Self {
            namespace: pick(namespaces, random),
            mount: pick(&MOUNTS, random),
            prefix: pick(&PREFIXES, random),
            token: String::new(),
            value: secret("key"),
        };
        if server.api("GET", &format!("{}/config", team.full_mount()), None).await?.0 != 200 {
            server.mount_in(&team.namespace, team.mount, Engine::V2).await?;
        }
        let printed = team.settings().args(["check", "--policy", "--json"]).run().await?;
        let printed: Value = serde_json::from_slice(&printed.expect(0)?.stdout)?;
        // The policy of the namespace, which comes first, or that of the root namespace.
        let policies = printed["policies"].as_array().cloned().unwrap_or_default();
        let has_namespaces = server.flavor() == testkit::Flavor::OpenBao;
        let (namespace, policy) = match policies.as_slice() {
            [] => ("", &printed["policy"]),
            [first, ..] if has_namespaces && random.bool() => {
                (team.namespace.as_str(), &first["policy"])
            }
            [.., root] => ("", &root["policy"]),
        };
        let policy = policy.as_str().context("no policy")?;
        team.token = token_with(server, namespace, policy).await?;
        Ok(team)
    }

    fn full_mount(&self) -> String {
        join(&self.namespace, self.mount)
    }

    /// Returns the path of the folder with everything of the team.
    fn folder(&self) -> String {
        format!("{}/data/{}", self.full_mount(), join(self.prefix, ""))
    }

    /// Returns the path of a key below the mount's endpoint.
    fn key(&self) -> String {
        join(self.prefix, &format!("litellm/{ALIAS}"))
    }

    fn settings(&self) -> Km {
        Km::new()
            .env("HCP_VAULT_NAMESPACE", &self.namespace)
            .env("HCP_VAULT_MOUNT_NAME", self.mount)
            .env("HCP_VAULT_PATH_PREFIX", self.prefix)
            .env("KM_ACCESS_MODE", "read_and_write")
            .env("KM_STORE_VIRTUAL_KEYS", "true")
    }

    fn km(&self, server: &Server) -> Km {
        let km = self.settings().env("HCP_VAULT_ADDR", server.address());
        km.env("HCP_VAULT_TOKEN", &self.token)
    }

    fn team_settings(&self) -> Value {
        let (namespace, mount, prefix) = (&self.namespace, self.mount, self.prefix);
        json!({ "namespace": namespace, "mount": mount, "path_prefix": prefix })
    }

    /// Returns all that is stored in the team's folder of keys.
    async fn stored(&self, server: &Server) -> Result<BTreeMap<String, Value>> {
        let mut stored = BTreeMap::new();
        let folder = format!("{}/metadata/{}/", self.full_mount(), join(self.prefix, "litellm"));
        let (_, names) = server.api("LIST", &folder, None).await?;
        let names = names.pointer("/data/keys").and_then(Value::as_array).cloned();
        for name in names.unwrap_or_default() {
            let name = name.as_str().context("no name")?;
            let path = format!("{}{}", self.folder(), format_args!("litellm/{name}"));
            let (status, secret) = server.api("GET", &path, None).await?;
            stored.insert(name.to_owned(), json!([status, secret["data"]]));
        }
        Ok(stored)
    }
}

fn pick<T: Clone>(from: &[T], random: &mut Rng) -> T {
    from[random.usize(..from.len())].clone()
}

/// Returns a path after `/v1/` that may lead to the victim.
fn trick(attacker: &Team, victim: &Team, random: &mut Rng) -> String {
    let target = format!("{}{}", victim.folder(), format_args!("litellm/{ALIAS}"));
    let starts = [
        String::new(),
        attacker.full_mount(),
        attacker.folder().trim_end_matches('/').to_owned(),
        format!("{}/metadata", attacker.full_mount()),
        attacker.namespace.clone(),
    ];
    let mut segments = vec![pick(&starts, random)];
    segments.extend((0..random.usize(..5)).map(|_| pick(&TRICKS, random).to_string()));
    let ends = [
        target.clone(),
        target.replace('/', "%2f"),
        target.replace("/data/", "/metadata/"),
        victim.key(),
        format!("data/{}", victim.key()),
        format!("litellm/{ALIAS}"),
        String::new(),
    ];
    segments.push(pick(&ends, random));
    segments.retain(|segment| !segment.is_empty() || random.u8(..) < 20);
    segments.join("/")
}

/// Returns namespaces for the header.
fn headers<'a>(attacker: &'a Team, victim: &'a Team) -> [&'a str; 5] {
    ["", &attacker.namespace, &victim.namespace, "root", ".."]
}

/// What is done with the attacker's token, and whose state must not change.
struct Attack<'a> {
    server: &'a Server,
    attacker: &'a Team,
    victim: &'a Team,
    /// What the victim has.
    before: BTreeMap<String, Value>,
}

impl Attack<'_> {
    /// Fails if a response contains a value of the victim.
    fn shows_nothing(&self, what: &str, text: &str) -> Result<()> {
        ensure!(!text.contains(&self.victim.value), "{what}: the value of another team was read");
        Ok(())
    }

    async fn victim_is_unchanged(&self, what: &str) -> Result<()> {
        let now = self.victim.stored(self.server).await?;
        ensure!(now == self.before, "{what}: the keys of another team have changed: {now:?}");
        Ok(())
    }

    /// Requests to the server itself, in every form of the victim's path.
    async fn by_requests(&self) -> Result<()> {
        let (attacker, victim) = (self.attacker, self.victim);
        let relative = |endpoint: &str, key: &str| format!("{}/{endpoint}/{key}", victim.mount);
        for (method, endpoint, key) in [
            ("GET", "data", victim.key()),
            ("POST", "data", victim.key()),
            ("PUT", "undelete", victim.key()),
            ("PUT", "destroy", victim.key()),
            ("DELETE", "data", victim.key()),
            ("GET", "metadata", victim.key()),
            ("DELETE", "metadata", victim.key()),
            ("LIST", "metadata", format!("{}/", join(victim.prefix, "litellm"))),
        ] {
            for (namespace, path) in [
                ("", join(&victim.namespace, &relative(endpoint, &key))),
                ("root", join(&victim.namespace, &relative(endpoint, &key))),
                (victim.namespace.as_str(), relative(endpoint, &key)),
            ] {
                let body = json!({ "data": { "key": "stolen" }, "versions": [1] });
                let headers =
                    [("X-Vault-Token", &*attacker.token), ("X-Vault-Namespace", namespace)];
                let sent = self.server.raw().exchange(method, &path, &headers, Some(body)).await;
                let (status, answer) = sent?;
                let what = format!("{method} {path} [{namespace}]");
                ensure!(status == 403 || status == 404, "{what}: {status} {answer}");
                self.shows_nothing(&what, &answer.to_string())?;
            }
        }
        self.victim_is_unchanged("requests").await
    }

    /// The command line with the victim's location as team settings.
    async fn by_team_settings(&self) -> Result<()> {
        let team = self.victim.team_settings().to_string();
        for arguments in [
            &["read", ALIAS][..],
            &["list"],
            &["list", "--all"],
            &["store", ALIAS],
            &["store", "new"],
            &["rotate", ALIAS],
            &["rename", ALIAS, "new"],
            &["delete", ALIAS],
        ] {
            let km = self.attacker.km(self.server).args(["key"]).args(arguments);
            let output = km.args(["--team-settings", &team]).stdin("stolen").run().await?;
            let what = format!("km key {}", arguments.join(" "));
            ensure!(output.code != 0, "{what}: succeeded: {}", output.text()?);
            self.shows_nothing(&what, output.text()?)?;
        }
        self.victim_is_unchanged("team settings").await
    }

    /// Both APIs of the attacker's sidecar.
    async fn by_sidecar(&self, random: &mut Rng) -> Result<()> {
        let sidecar = Sidecar::start(self.attacker.km(self.server), &[]).await?;
        for _ in 0..60 {
            let path = format!("/v1/{}", trick(self.attacker, self.victim, random));
            let method = pick(&["GET", "POST", "PUT", "DELETE", "LIST"], random);
            let namespace = pick(&headers(self.attacker, self.victim), random);
            let request = sidecar.request(method, &path).header("x-vault-namespace", namespace);
            let body = json!({ "data": { "key": "stolen" } }).to_string();
            let Ok(request) = request.body(Full::from(body)) else { continue };
            self.send(&sidecar, &format!("{method} {path} [{namespace}]"), request).await?;
        }
        let team = self.victim.team_settings();
        for _ in 0..20 {
            let trick = trick(self.attacker, self.victim, random);
            let alias = pick(&[ALIAS, "new", &trick], random).to_owned();
            let url = alias.replace('/', "%2F");
            let key = format!("/km/v1/keys/{url}");
            for (method, path, mut body) in [
                ("POST", "/km/v1/keys".to_owned(), json!({ "alias": alias, "value": "stolen" })),
                ("POST", format!("{key}/rotate"), json!({ "value": "stolen" })),
                ("POST", format!("{key}/rename"), json!({ "to": "new" })),
                ("DELETE", key.clone(), json!({})),
                ("GET", format!("/km/v1/secrets/{url}"), json!({})),
            ] {
                if method != "GET" && random.bool() {
                    body["team_settings"] = team.clone();
                }
                let request = sidecar.request(method, &path).body(Full::from(body.to_string()));
                let Ok(request) = request else { continue };
                self.send(&sidecar, &format!("{method} {path}"), request).await?;
            }
        }
        self.victim_is_unchanged("sidecar").await?;
        sidecar.stop().await.map(drop)
    }

    async fn send(
        &self,
        sidecar: &Sidecar,
        what: &str,
        request: Request<Full<bytes::Bytes>>,
    ) -> Result<Response> {
        let response = sidecar.send(request).await.with_context(|| what.to_owned())?;
        self.shows_nothing(what, &response.text)?;
        Ok(response)
    }
}

/// Returns two teams of which neither's folder contains the other's.
async fn two_teams(server: &Server, random: &mut Rng) -> Result<[Team; 2]> {
    let top = format!("ns-{}", unique());
    let below = ["", "/a", "/a/c", "/b"].map(|below| format!("{top}{below}"));
    for namespace in &below {
        server.create_namespace(namespace).await?;
    }
    loop {
        let first = Team::new(server, &below, random).await?;
        let second = Team::new(server, &below, random).await?;
        let [one, other] = [first.folder(), second.folder()];
        if !one.starts_with(&other) && !other.starts_with(&one) {
            return Ok([first, second]);
        }
    }
}

async fn teams_are_isolated(server: &Server, seed: u64) -> Result<()> {
    let random = &mut Rng::with_seed(seed);
    let teams = two_teams(server, random).await?;
    for (attacker, victim) in [(&teams[0], &teams[1]), (&teams[1], &teams[0])] {
        let context = || {
            let place = |team: &Team| format!("{} `{}`", team.full_mount(), team.prefix);
            format!("seed {seed}: {} against {}", place(attacker), place(victim))
        };
        // The policy is sufficient for the team itself.
        for team in &teams {
            let store = team.km(server).args(["key", "rotate", ALIAS]).stdin(team.value.as_str());
            store.run().await?.expect(0).with_context(context)?;
            let read = team.km(server).args(["key", "read", ALIAS]).run().await?.expect(0)?;
            ensure!(read.text()? == team.value, "{}", context());
        }
        let before = victim.stored(server).await?;
        ensure!(before.contains_key(ALIAS), "{}: {before:?}", context());
        let attack = Attack { server, attacker, victim, before };
        attack.by_requests().await.with_context(context)?;
        attack.by_team_settings().await.with_context(context)?;
        attack.by_sidecar(random).await.with_context(context)?;
    }
    Ok(())
}

#[tokio::test]
async fn team_with_its_policy_never_reaches_the_keys_of_another() -> Result<()> {
    let server = Server::shared().await?;
    for seed in std::iter::repeat_with(|| fastrand::u64(..)).take(PAIRS) {
        teams_are_isolated(server, seed).await?;
    }
    Ok(())
}
