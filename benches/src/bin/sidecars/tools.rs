//! The list of tools and their settings.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use http::HeaderValue;

use crate::command::PerRead;
use crate::contender::Contender;
use crate::litellm::LiteLlm;
use crate::served::{Launch, Served};
use crate::setup::Setup;

/// The row with targets.
pub(crate) const KM_VAULT_API: &str = "`km serve`, Vault API";

/// The token of the clients of `km serve`.
const KM_TOKEN: &str = "5d41402abc4b2a76b9719d911017c592ae2b1f0c9d3e4f5a6b7c8d9e0f1a2b3c";

/// Returns all tools. The first one is the reference.
pub(crate) fn all(setup: &Setup) -> Result<Vec<Contender>> {
    let proxy = |label, program, cache| proxy(setup, label, program, cache).map(Contender::Served);
    let (native, header) = ("/km/v1/secrets".to_owned(), Some(("x-km-source", "cache")));
    Ok(vec![
        proxy("`vault proxy` with `cache_static_secrets`", &setup.vault, "cache_static_secrets")?,
        proxy("`vault proxy`, passing through", &setup.vault, "")?,
        proxy("`bao proxy`, passing through", &setup.bao, "")?,
        Contender::Served(km(setup, KM_VAULT_API, vault_folder(setup), header)?),
        Contender::Served(km(setup, "`km serve`, native API", native, None)?),
        Contender::Served(vault(setup)?),
        Contender::PerRead(vault_kv_get(setup)),
        Contender::PerRead(km_read(setup)),
        Contender::LiteLlm(litellm(setup, "LiteLLM alone, uncached", false)),
        Contender::LiteLlm(litellm(setup, "LiteLLM alone, in its own memory", true)),
    ])
}

/// A proxy with auto-auth. `cache` is its setting for a cache, if it has one.
fn proxy(setup: &Setup, label: &'static str, program: &Path, cache: &str) -> Result<Served> {
    let files = setup.files.path();
    let (role_id, secret_id) = (files.join("role-id"), files.join("secret-id"));
    fs::write(&role_id, &setup.fixture.role_id)?;
    fs::write(&secret_id, &setup.fixture.secret_id)?;
    let cache =
        if cache.is_empty() { String::new() } else { format!("cache {{ {cache} = true }}") };
    let config = format!(
        r#"log_level = "warn"
vault {{ address = "{}" }}
auto_auth {{
  method "approle" {{
    config = {{
      role_id_file_path = "{}"
      secret_id_file_path = "{}"
      remove_secret_id_file_after_reading = false
    }}
  }}
}}
api_proxy {{ use_auto_auth_token = true }}
{cache}
"#,
        setup.fixture.server().address(),
        role_id.display(),
        secret_id.display()
    );
    let (program, file, home) = (program.to_owned(), files.join("proxy.hcl"), files.to_owned());
    let command = Box::new(move |address: SocketAddr| {
        let listener =
            format!("listener \"tcp\" {{\n  address = \"{address}\"\n  tls_disable = true\n}}\n");
        fs::write(&file, format!("{config}{listener}"))?;
        let mut command = Command::new(&program);
        command.arg("proxy").arg("-config").arg(&file).env_clear().env("HOME", &home);
        Ok(command)
    });
    let launch = Launch::Command { command, log: files.join("proxy.log") };
    let hit = (!cache.is_empty()).then_some(("x-cache", "HIT"));
    Ok(Served { label, launch, folder: vault_folder(setup), token: None, hit })
}

fn km(
    setup: &Setup,
    label: &'static str,
    folder: String,
    hit: Option<(&'static str, &'static str)>,
) -> Result<Served> {
    let token = setup.files.path().join("km.token");
    fs::write(&token, KM_TOKEN)?;
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600))?;
    let (program, env, log) = (setup.km.clone(), approle(setup), setup.files.path().join("km.log"));
    let command = Box::new(move |address: SocketAddr| {
        let mut command = Command::new(&program);
        command.args(["serve", "--listen", &address.to_string(), "--token-file"]).arg(&token);
        command.env_clear().envs(env.iter().map(|(name, value)| (name, value)));
        Ok(command)
    });
    let launch = Launch::Command { command, log };
    Ok(Served { label, launch, folder, token: Some(HeaderValue::from_static(KM_TOKEN)), hit })
}

/// The server itself.
fn vault(setup: &Setup) -> Result<Served> {
    let address = setup.fixture.server().address();
    let address = address.strip_prefix("http://").context("the server has TLS")?.parse()?;
    let process = setup.server.process_id().context("the server is not a process")?;
    let launch = Launch::Running { address, process };
    let token = Some(setup.token.parse()?);
    Ok(Served {
        label: "Vault itself, without a sidecar",
        launch,
        folder: vault_folder(setup),
        token,
        hit: None,
    })
}

/// Returns the path of the secrets in Vault's API.
fn vault_folder(setup: &Setup) -> String {
    format!("/v1/{}/data", setup.fixture.mount)
}

fn vault_kv_get(setup: &Setup) -> PerRead {
    let mount = format!("-mount={}", setup.fixture.mount);
    PerRead {
        label: "`vault kv get`, a process per read",
        program: setup.vault.clone(),
        arguments: ["kv", "get", &mount, "-field=key"].map(str::to_owned).to_vec(),
        env: vec![
            ("VAULT_ADDR", setup.fixture.server().address().to_owned()),
            ("VAULT_TOKEN", setup.token.clone()),
            ("HOME", home(setup)),
        ],
    }
}

fn km_read(setup: &Setup) -> PerRead {
    PerRead {
        label: "`km read`, a process per read",
        program: setup.km.clone(),
        arguments: vec!["read".to_owned()],
        env: location(setup)
            .into_iter()
            .chain([("HCP_VAULT_TOKEN", setup.token.clone())])
            .collect(),
    }
}

fn litellm(setup: &Setup, label: &'static str, is_cached: bool) -> LiteLlm {
    let env = approle(setup).into_iter().chain([("HOME", home(setup))]).collect();
    LiteLlm { label, python: PathBuf::clone(&setup.python), is_cached, env }
}

/// Returns the settings of LiteLLM and `km` for the server and the mount.
fn location(setup: &Setup) -> Vec<(&'static str, String)> {
    vec![
        ("HCP_VAULT_ADDR", setup.fixture.server().address().to_owned()),
        ("HCP_VAULT_MOUNT_NAME", setup.fixture.mount.clone()),
    ]
}

/// Returns those settings and the role.
fn approle(setup: &Setup) -> Vec<(&'static str, String)> {
    let mut env = location(setup);
    env.push(("HCP_VAULT_APPROLE_ROLE_ID", setup.fixture.role_id.clone()));
    env.push(("HCP_VAULT_APPROLE_SECRET_ID", setup.fixture.secret_id.clone()));
    env
}

fn home(setup: &Setup) -> String {
    setup.files.path().display().to_string()
}
