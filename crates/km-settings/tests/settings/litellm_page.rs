//! The examples in LiteLLM's documentation of this secret manager.

use km_settings::{AccessMode, Credential, Method, TeamSettings};
use secrecy::ExposeSecret as _;

use crate::common::{Strict, env, good, read_all, warnings};

const ENVIRONMENT: [(&str, &str); 5] = [
    (
        "HCP_VAULT_ADDR",
        "https://test-cluster-public-vault-0f98180c.e98296b2.z1.hashicorp.cloud:8200",
    ),
    ("HCP_VAULT_NAMESPACE", "admin"),
    ("HCP_VAULT_REFRESH_INTERVAL", "86400"),
    ("HCP_VAULT_MOUNT_NAME", "secret"),
    ("HCP_VAULT_PATH_PREFIX", "litellm"),
];

const FILE: &str = r#"
general_settings:
  key_management_system: "hashicorp_vault"

  # [OPTIONAL SETTINGS]
  key_management_settings:
    store_virtual_keys: true # OPTIONAL. Defaults to False
    prefix_for_stored_virtual_keys: "litellm/" # OPTIONAL.
    access_mode: "read_and_write" # Literal["read_only", "write_only", "read_and_write"]
"#;

#[test]
fn documented_environment_and_file_are_accepted() {
    let token = ("HCP_VAULT_TOKEN", "hvs.CAESIG52gL6ljBSdmq*****");
    let settings = good(&[&ENVIRONMENT[..], &[token]].concat(), FILE);
    assert_eq!(settings.server.address, ENVIRONMENT[0].1);
    assert_eq!(settings.login.namespace.as_deref(), Some("admin"));
    assert_eq!(settings.location.namespace.as_deref(), Some("admin"));
    assert_eq!(settings.location.mount, "secret");
    assert_eq!(settings.location.path_prefix.as_deref(), Some("litellm"));
    assert_eq!(settings.access_mode, AccessMode::ReadAndWrite);
    assert!(settings.virtual_keys.store);
    assert_eq!(settings.virtual_keys.prefix.as_deref(), Some("litellm"));
    assert!(settings.warnings.is_empty());
    let Method::Token(Credential::Value(value)) = settings.login.method else { panic!("no token") };
    assert_eq!(value.expose_secret(), token.1);
}

#[test]
fn approle_is_chosen_if_all_three_methods_are_set() {
    let methods = [
        ("HCP_VAULT_APPROLE_ROLE_ID", "your-role-id"),
        ("HCP_VAULT_APPROLE_SECRET_ID", "your-secret-id"),
        ("HCP_VAULT_APPROLE_MOUNT_PATH", "approle"),
        ("HCP_VAULT_CLIENT_CERT", "path/to/client.pem"),
        ("HCP_VAULT_CLIENT_KEY", "path/to/client.key"),
        ("HCP_VAULT_CERT_ROLE", "your-cert-role"),
        ("HCP_VAULT_TOKEN", "hvs.CAESIG52gL6ljBSdmq*****"),
    ];
    let all = [&ENVIRONMENT[..], &methods[..]].concat();
    let settings = read_all(&env(&all), FILE).unwrap();
    assert!(matches!(settings.login.method, Method::AppRole { .. }));
    assert!(settings.warnings.is_empty());
    let settings = read_all(&env(&[&ENVIRONMENT[..], &methods[3..]].concat()), FILE).unwrap();
    assert!(matches!(settings.login.method, Method::Cert { .. }));
}

#[test]
fn file_without_indentation_causes_warnings() {
    let flat = FILE.lines().map(str::trim_start).collect::<Vec<_>>().join("\n");
    let settings = good(&ENVIRONMENT, &flat);
    assert_eq!(settings.access_mode, AccessMode::ReadOnly);
    assert_eq!(warnings(&settings).len(), 2);
}

#[test]
fn documented_team_settings_are_accepted() {
    let json = r#"{
        "namespace": "teams/team-a",
        "mount": "kv-prod",
        "path_prefix": "virtual-keys",
        "data": "password"
    }"#;
    let team = TeamSettings::from_json(json, &Strict).unwrap();
    let place = team.overlay(&good(&ENVIRONMENT, FILE)).unwrap();
    assert_eq!(place.namespace.as_deref(), Some("teams/team-a"));
    assert_eq!(place.mount, "kv-prod");
    assert_eq!(place.path_prefix.as_deref(), Some("virtual-keys"));
    assert_eq!(place.field, "password");
}
