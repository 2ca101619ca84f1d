//! hvac, a Python client of Vault, as a client of the Vault API of `km serve`.

use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{LiteLlm, Running, secret, write_private};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::world::World;

const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/hvac_calls.py");

/// A `km serve` on loopback, and hvac in a process of its own. Both end on drop.
struct Hvac {
    client: Value,
    stdin: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    serving: Running,
    _child: Child,
    _files: TempDir,
}

impl Hvac {
    /// Starts both in front of a world's mount, with read and write access.
    async fn of(world: &World) -> Result<Self> {
        let (files, token) = (tempfile::tempdir()?, secret("local"));
        let file = files.path().join("token");
        write_private(&file, format!("{token}\n"))?;
        let gateway = world.gateway(json!({}), None)?;
        let serve = ["serve", "--listen", "127.0.0.1:0", "--token-file"];
        let km = gateway.program().args(serve).args([&file]);
        let mut serving = km.start().await?;
        let stdout = serving.child().stdout.take().context("no stdout")?;
        let line = BufReader::new(stdout).lines().next_line().await?.context("km serve ended")?;
        let address = line.strip_prefix("listening on ").context("it does not say where")?;

        // hvac reads a token, an address and a proxy from its environment.
        let mut child = Command::new(LiteLlm::python()?)
            .arg(DRIVER)
            .env_clear()
            .env("HOME", files.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take().context("no stdin")?;
        let answers = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        let client = json!({ "url": format!("http://{address}"), "token": token });
        Ok(Self { client, stdin, answers, serving, _child: child, _files: files })
    }

    async fn response(&mut self, call: &str, arguments: Value) -> Result<Value> {
        let request = json!({ "client": self.client, "call": call, "arguments": arguments });
        self.stdin.write_all(format!("{request}\n").as_bytes()).await?;
        let line = self.answers.next_line().await?.context("hvac's process ended")?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Returns the result of a call.
    async fn call(&mut self, call: &str, arguments: Value) -> Result<Value> {
        let response = self.response(call, arguments).await?;
        response.get("answer").cloned().with_context(|| format!("{call}: {response}"))
    }

    /// Fails unless the call raises this exception. Returns its text.
    async fn raises(&mut self, expected: &str, call: &str, arguments: Value) -> Result<String> {
        let response = self.response(call, arguments.clone()).await?;
        ensure!(response["raised"] == expected, "{call} {arguments}: {response}");
        let Some(text) = response["text"].as_str() else { bail!("{call}: no text: {response}") };
        Ok(text.to_owned())
    }

    /// Stops the sidecar, and fails if it exits with an error or printed a secret to stderr.
    async fn end(self) -> Result<()> {
        self.serving.signal("TERM")?;
        self.serving.finish().await?.expect(0).map(drop)
    }
}

/// The name of a method of hvac for KV version 2.
fn kv(method: &str) -> String {
    format!("secrets.kv.v2.{method}")
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn hvac_creates_reads_lists_and_deletes() -> Result<()> {
    let world = World::new().await?;
    let mut hvac = Hvac::of(&world).await?;
    for name in ["one", "folder/litellm/alias", "a name/ü?"] {
        life_of_a_secret(&world, &mut hvac, name).await?;
        ensure!(world.stored().await?.is_empty(), "something is left of {name}");
    }
    for name in ["stays", "folder/inner"] {
        let arguments =
            json!({ "path": name, "secret": { "key": "v" }, "mount_point": world.mount() });
        hvac.call(&kv("create_or_update_secret"), arguments).await?;
    }
    for (path, names) in [("", json!(["folder/", "stays"])), ("folder", json!(["inner"]))] {
        let arguments = json!({ "path": path, "mount_point": world.mount() });
        let listed = hvac.call(&kv("list_secrets"), arguments).await?;
        ensure!(listed["data"]["keys"] == names, "{path}: {listed}");
    }
    hvac.end().await
}

async fn life_of_a_secret(world: &World, hvac: &mut Hvac, name: &str) -> Result<()> {
    let (mount, path) = (world.mount(), format!("{}/data/{name}", world.mount()));
    let place = |more: Value| {
        let mut arguments = json!({ "path": name, "mount_point": mount });
        for (name, value) in more.as_object().into_iter().flatten() {
            arguments[name] = value.clone();
        }
        arguments
    };
    let fields = |value: &str| json!({ "key": value, "n": 1, "nested": { "a": [true, null] } });
    let [first, second] = ["first", "second"].map(|value| fields(&secret(value)));

    let arguments = place(json!({ "secret": first }));
    let written = hvac.call(&kv("create_or_update_secret"), arguments).await?;
    ensure!(written["data"]["version"] == 1, "{written}");
    ensure!(world.stored().await?[&path] == json!({ "data": first, "version": 1 }));
    let arguments = place(json!({ "secret": { "key": "third" }, "cas": 0 }));
    let text = hvac.raises("InvalidRequest", &kv("create_or_update_secret"), arguments).await?;
    ensure!(text.contains("check-and-set parameter did not match the current version"), "{text}");
    let arguments = place(json!({ "secret": second, "cas": 1 }));
    hvac.call(&kv("create_or_update_secret"), arguments).await?;
    ensure!(world.stored().await?[&path] == json!({ "data": second, "version": 2 }));

    for (version, expected) in [(None, &second), (Some(1), &first), (Some(2), &second)] {
        // hvac warns of a default that will change.
        let arguments = place(json!({ "version": version, "raise_on_deleted_version": true }));
        let read = hvac.call(&kv("read_secret_version"), arguments).await?;
        ensure!(read["data"]["data"] == *expected, "version {version:?} is another one");
    }
    hvac.call(&kv("patch"), place(json!({ "secret": { "other": "added" } }))).await?;
    let mut patched = second.clone();
    patched["other"] = "added".into();
    ensure!(world.stored().await?[&path] == json!({ "data": patched, "version": 3 }));

    let update = json!({ "custom_metadata": { "owner": "me" }, "max_versions": 7 });
    let updated = hvac.call(&kv("update_metadata"), place(update)).await?;
    ensure!(updated["status"] == 204, "{updated}");
    let read = hvac.call(&kv("read_secret_metadata"), place(json!({}))).await?;
    let metadata = format!("{mount}/metadata/{}", testkit::encoded(name));
    let (_, seen) = world.access.api("GET", &metadata, None).await?;
    for answer in [&read, &seen] {
        ensure!(answer["data"]["custom_metadata"] == json!({ "owner": "me" }), "{answer}");
        ensure!(answer["data"]["max_versions"] == 7, "{answer}");
        ensure!(answer["data"]["current_version"] == 3, "{answer}");
    }

    hvac.call(&kv("delete_latest_version_of_secret"), place(json!({}))).await?;
    ensure!(world.stored().await?[&path] == json!({ "deleted": 3 }));
    let arguments = |raise| place(json!({ "raise_on_deleted_version": raise }));
    hvac.raises("InvalidPath", &kv("read_secret_version"), arguments(true)).await?;
    let read = hvac.call(&kv("read_secret_version"), arguments(false)).await?;
    ensure!(read["data"]["data"].is_null() && read["data"]["metadata"]["version"] == 3, "{read}");
    hvac.call(&kv("delete_metadata_and_all_versions"), place(json!({}))).await?;
    hvac.raises("InvalidPath", &kv("read_secret_version"), arguments(true)).await.map(drop)
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn hvac_gets_responses_to_its_first_requests() -> Result<()> {
    let world = World::new().await?;
    let mut hvac = Hvac::of(&world).await?;
    ensure!(hvac.call("is_authenticated", json!({})).await? == true);
    let token = hvac.call("auth.token.lookup_self", json!({})).await?;
    ensure!(token["data"]["ttl"] == 0 && token["data"]["id"] == "", "{token}");
    // By HEAD, unless configured otherwise.
    let health = hvac.call("sys.read_health_status", json!({})).await?;
    ensure!(health["status"] == 200, "{health}");
    let health = hvac.call("sys.read_health_status", json!({ "method": "GET" })).await?;
    ensure!(health["initialized"] == true && health["sealed"] == false, "{health}");
    hvac.end().await
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn hvac_gets_errors_of_vault_outside_the_location() -> Result<()> {
    let world = World::new().await?.env("HCP_VAULT_PATH_PREFIX", "apps");
    let other = World::new().await?;
    for place in [&world, &other] {
        let fields = json!({ "data": { "key": "v" } });
        place.access.must("POST", &format!("{}/data/one", place.mount()), fields).await?;
    }
    let before = (world.stored().await?, other.stored().await?);
    let mut hvac = Hvac::of(&world).await?;
    // Another mount, and paths outside the prefix.
    for (mount, path) in
        [(other.mount(), "one"), (world.mount(), "one"), (world.mount(), "apps-two/one")]
    {
        for (method, more) in [
            ("read_secret_version", json!({ "raise_on_deleted_version": true })),
            ("create_or_update_secret", json!({ "secret": { "key": "changed" } })),
            ("read_secret_metadata", json!({})),
            ("update_metadata", json!({ "max_versions": 1 })),
            ("list_secrets", json!({})),
            ("delete_latest_version_of_secret", json!({})),
            ("delete_metadata_and_all_versions", json!({})),
        ] {
            let mut arguments = more;
            arguments["path"] = path.into();
            arguments["mount_point"] = mount.into();
            let text = hvac.raises("Forbidden", &kv(method), arguments).await?;
            ensure!(text.contains("permission denied"), "{method}: {text}");
        }
    }
    // Endpoints that the Vault API does not serve.
    for method in ["delete_secret_versions", "undelete_secret_versions", "destroy_secret_versions"]
    {
        let arguments =
            json!({ "path": "apps/one", "versions": [1], "mount_point": world.mount() });
        hvac.raises("Forbidden", &kv(method), arguments).await?;
    }
    hvac.raises("Forbidden", "sys.list_mounted_secrets_engines", json!({})).await?;
    let absent = json!({
        "path": "apps/absent", "mount_point": world.mount(), "raise_on_deleted_version": true,
    });
    hvac.raises("InvalidPath", &kv("read_secret_version"), absent).await?;
    let absent = json!({ "path": "apps/absent", "mount_point": world.mount() });
    for method in ["read_secret_metadata", "list_secrets"] {
        hvac.raises("InvalidPath", &kv(method), absent.clone()).await?;
    }
    ensure!((world.stored().await?, other.stored().await?) == before, "something was changed");
    hvac.end().await
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn hvac_with_a_wrong_token_is_forbidden() -> Result<()> {
    let world = World::new().await?;
    let mut hvac = Hvac::of(&world).await?;
    hvac.client["token"] = secret("other").into();
    let place = json!({ "path": "one", "mount_point": world.mount() });
    let mut write = place.clone();
    write["secret"] = json!({ "key": "v" });
    for (call, arguments) in [
        (kv("read_secret_metadata"), place.clone()),
        (kv("create_or_update_secret"), write),
        (kv("list_secrets"), place),
        ("auth.token.lookup_self".to_owned(), json!({})),
    ] {
        let text = hvac.raises("Forbidden", &call, arguments).await?;
        ensure!(text.contains("permission denied"), "{call}: {text}");
    }
    ensure!(hvac.call("is_authenticated", json!({})).await? == false);
    ensure!(world.stored().await?.is_empty(), "something was written");
    hvac.end().await
}
