//! The configurations of LiteLLM's Vault page, set up with the server's own command line and read
//! back byte for byte.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use anyhow::Result;
use km_proxy_adapter::{KeyManager, Source, VaultValidator};
use km_settings::{AccessMode, Settings, Sources, Yaml};
use serde_json::json;
use testkit::leaks::watch;
use testkit::{Flavor, Server, secret};

use crate::product::{Files, variables};

/// Step 2 of the page.
const CONFIG: &str = r#"
general_settings:
  key_management_system: "hashicorp_vault"

  # [OPTIONAL SETTINGS]
  key_management_settings:
    store_virtual_keys: true # OPTIONAL. Defaults to False
    prefix_for_stored_virtual_keys: "litellm/" # OPTIONAL
    access_mode: "read_and_write" # Literal["read_only", "write_only", "read_and_write"]

model_list:
  - model_name: gpt-4
    litellm_params:
      model: openai/gpt-4
      api_key: os.environ/OPENAI_API_KEY
"#;

/// The policy of the page for a mount.
fn policy(mount: &str) -> String {
    format!(
        r#"path "{mount}/data/*" {{
            capabilities = ["create", "read", "update", "delete", "list"]
        }}"#
    )
}

/// Stores values with `vault kv put`, and reads each one with these settings.
async fn check(
    server: &Server,
    (mount, prefix): (&str, &str),
    env: &BTreeMap<String, String>,
) -> Result<()> {
    let watch = watch();
    let yaml = Some(Yaml::new("config.yaml", CONFIG));
    let settings = Settings::from_sources(&Sources { env, yaml, validator: &VaultValidator })?;
    assert_eq!(settings.warnings.len(), 0, "{:?}", settings.warnings);
    assert_eq!(settings.references, ["OPENAI_API_KEY"]);
    assert_eq!(settings.access_mode, AccessMode::ReadAndWrite);
    watch.debug(&settings);
    let keys = KeyManager::connect_with(settings, BTreeMap::<String, String>::new()).await?;
    watch.debug(&keys);
    let mark = secret("key");
    for (name, value) in [
        ("OPENAI_API_KEY", mark.clone()),
        ("AZURE_API_KEY", format!("{mark}\n")),
        ("MULTILINE", format!(" -----BEGIN-----\r\n{mark}\n-----END-----\n\n")),
        ("UNICODE", format!("{mark} clé 密钥 \u{1f511} \"'\\$`")),
    ] {
        let (at, location) = (format!("-mount={mount}"), format!("{prefix}{name}"));
        server.cli_with_input(&["kv", "put", &at, &location, "key=-"], &value).await?;
        let found = keys.secret(&format!("os.environ/{name}")).await?;
        assert_eq!((found.expose(), found.source()), (value.as_str(), Source::Vault), "{name}");
        assert_eq!(found.version(), Some(1), "{name}");
        let stored = server.must("GET", &format!("{mount}/data/{location}"), None).await?;
        assert_eq!(stored["data"]["data"], json!({ "key": value }));
        // The server's command line finds what `km` writes.
        let (name, value) = (format!("{name}_2"), format!("{mark}{name}"));
        keys.write(&name, value.clone().into(), &<_>::default()).await?;
        let location = format!("{prefix}{name}");
        let stderr = server.cli(&["kv", "get", &at, "-field=key", &location]).await?;
        assert_eq!(stderr.trim_end_matches('\n'), value);
    }
    Ok(())
}

fn with(base: &BTreeMap<String, String>, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    base.clone().into_iter().chain(variables(more)).collect()
}

/// Mounts KV at these paths in a namespace, where `secret` may exist already, and writes the page's
/// policy for them.
async fn mount(server: &Server, namespace: &str, mounts: &[&str]) -> Result<()> {
    for mount in mounts {
        let path = format!("-path={mount}");
        server.cli_in(namespace, &["secrets", "enable", &path, "-version=2", "kv"], "").await?;
    }
    let rules: Vec<_> = mounts.iter().chain(&["secret"]).map(|mount| policy(mount)).collect();
    let write = ["policy", "write", "litellm-policy", "-"];
    server.cli_in(namespace, &write, &rules.join("\n")).await.map(drop)
}

/// The credentials of an application.
#[derive(Debug, Clone)]
struct Login {
    role_id: String,
    secret_id: String,
    token: String,
}

/// Sets up AppRole in a namespace, and creates credentials with the page's policy.
async fn approle(server: &Server, namespace: &str) -> Result<Login> {
    let vault = async |arguments: &[&str]| -> Result<String> {
        Ok(server.cli_in(namespace, arguments, "").await?.trim().to_owned())
    };
    vault(&["auth", "enable", "approle"]).await?;
    let role = "auth/approle/role/litellm";
    let life = ["token_ttl=32d", "token_max_ttl=32d"];
    vault(&["write", role, "token_policies=litellm-policy", life[0], life[1]]).await?;
    let location = format!("{role}/secret-id");
    Ok(Login {
        role_id: vault(&["read", "-field=role_id", &format!("{role}/role-id")]).await?,
        secret_id: vault(&["write", "-f", "-field=secret_id", &location]).await?,
        token: vault(&["token", "create", "-policy=litellm-policy", "-field=token"]).await?,
    })
}

#[tokio::test]
async fn approle_and_token_of_the_page_read_values_of_vault_kv_put() -> Result<()> {
    let server = Server::dev_alone().await?;
    // `HCP_VAULT_NAMESPACE` of the page is `admin`. On Vault it is the head of the mount's path.
    let (root, admin) = match server.flavor() {
        Flavor::Vault => {
            mount(&server, "", &["admin/secret", "kv-prod"]).await?;
            let root = approle(&server, "").await?;
            (root.clone(), root)
        }
        Flavor::OpenBao => {
            server.cli(&["namespace", "create", "admin"]).await?;
            mount(&server, "", &["kv-prod"]).await?;
            mount(&server, "admin", &["secret"]).await?;
            (approle(&server, "").await?, approle(&server, "admin").await?)
        }
    };

    let address = variables(&[("HCP_VAULT_ADDR", server.address()), ("KM_DEADLINE", "30s")]);
    let approle = |login: &Login| {
        let role_id = ("HCP_VAULT_APPROLE_ROLE_ID", login.role_id.as_str());
        with(&address, &[role_id, ("HCP_VAULT_APPROLE_SECRET_ID", &login.secret_id)])
    };
    let page = &[
        ("HCP_VAULT_NAMESPACE", "admin"),
        ("HCP_VAULT_APPROLE_MOUNT_PATH", "approle"),
        ("HCP_VAULT_REFRESH_INTERVAL", "86400"),
        ("HCP_VAULT_MOUNT_NAME", "secret"),
        ("HCP_VAULT_PATH_PREFIX", "litellm"),
    ];
    check(&server, ("secret", ""), &approle(&root)).await?;
    // With all optional variables of the page.
    check(&server, ("admin/secret", "litellm/"), &with(&approle(&admin), page)).await?;
    let other = &[("HCP_VAULT_MOUNT_NAME", "kv-prod"), ("HCP_VAULT_TOKEN", &root.token)];
    check(&server, ("kv-prod", ""), &with(&address, other)).await?;
    let page = with(&address, &[&page[..], &[("HCP_VAULT_TOKEN", &admin.token)]].concat());
    // The page's path is emptied before it is used again, so that each name has one version.
    for name in ["OPENAI_API_KEY", "AZURE_API_KEY", "MULTILINE", "UNICODE"] {
        let location = format!("litellm/{name}");
        server.cli(&["kv", "metadata", "delete", "-mount=admin/secret", &location]).await?;
    }
    check(&server, ("admin/secret", "litellm/"), &page).await
}

#[tokio::test]
async fn certificate_of_the_page_reads_values_of_vault_kv_put() -> Result<()> {
    let server = Server::dedicated_tls().await?;
    let (certs, files) = (server.certs()?, Files::new()?);
    let identity = certs.client("litellm")?;
    let file = |name: &str, pem: &str| -> Result<String> {
        Ok(files.write(name, pem)?.to_string_lossy().into_owned())
    };
    let ca = file("ca.pem", &certs.ca())?;
    let certificate = file("client.pem", &identity.certificate)?;
    let key = file("client.key", &identity.key)?;
    // As in the test of AppRole, except that this server has no mount at `secret`.
    let namespaces = match server.flavor() {
        Flavor::Vault => {
            mount(&server, "", &["secret", "admin/secret"]).await?;
            &[""][..]
        }
        Flavor::OpenBao => {
            server.cli(&["namespace", "create", "admin"]).await?;
            mount(&server, "", &["secret"]).await?;
            mount(&server, "admin", &["secret"]).await?;
            &["", "admin"]
        }
    };
    let role = ["write", "auth/cert/certs/your-cert-role", "token_policies=litellm-policy"];
    let arguments = [&role[..], &["allowed_common_names=litellm", "certificate=-"]].concat();
    for namespace in namespaces {
        server.cli_in(namespace, &["auth", "enable", "cert"], "").await?;
        server.cli_in(namespace, &arguments, &certs.client_ca()).await?;
    }

    let env = variables(&[
        ("HCP_VAULT_ADDR", server.address()),
        ("HCP_VAULT_CLIENT_CERT", &certificate),
        ("HCP_VAULT_CLIENT_KEY", &key),
        ("KM_CA_CERT", &ca),
        ("KM_DEADLINE", "30s"),
    ]);
    check(&server, ("secret", ""), &env).await?;
    let page = &[
        ("HCP_VAULT_CERT_ROLE", "your-cert-role"),
        ("HCP_VAULT_NAMESPACE", "admin"),
        ("HCP_VAULT_PATH_PREFIX", "litellm"),
    ];
    check(&server, ("admin/secret", "litellm/"), &with(&env, page)).await
}
