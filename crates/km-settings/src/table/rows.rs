//! The rows, in reading order.

use super::setting::Section::{Access, Cache, Location, Login, Process, Server, Teams};
use super::setting::Setting;

/// Every setting there is.
pub const SETTINGS: &[Setting] = &[
    Setting::new(Server, "HCP_VAULT_ADDR", "the server's address").text("http://127.0.0.1:8200"),
    Setting::new(
        Server,
        "KM_CA_CERT",
        "PEM bundle that the server's certificate is checked against",
    )
    .yaml("km.ca_cert")
    .rule("`VAULT_CACERT`, else `SSL_CERT_FILE`, else the system's roots"),
    Setting::new(Server, "VAULT_CACERT", "read where `KM_CA_CERT` is not set"),
    Setting::new(Server, "SSL_CERT_FILE", "read where `KM_CA_CERT` and `VAULT_CACERT` are not set"),
    Setting::new(Server, "KM_TLS_SERVER_NAME", "the name that the server's certificate must carry")
        .yaml("km.tls_server_name")
        .rule("the host of the address"),
    Setting::new(Server, "KM_DANGER_PLAINTEXT", "allow `http://` to something else than loopback")
        .yaml("km.danger_plaintext")
        .text("false"),
    Setting::new(Server, "KM_DEADLINE", "how long one operation may take, retries included")
        .yaml("km.deadline")
        .text("5s"),
    Setting::new(
        Login,
        "KM_AUTH_METHOD",
        "`approle`, `cert`, `token`, `jwt`, `kubernetes` or `userpass`",
    )
    .yaml("km.auth_method")
    .rule("the first complete one of AppRole, certificate and token"),
    Setting::new(Login, "HCP_VAULT_LOGIN_NAMESPACE", "namespace to log in to; empty is the root")
        .rule("`HCP_VAULT_NAMESPACE`"),
    Setting::new(Login, "HCP_VAULT_APPROLE_ROLE_ID", "AppRole's role id").secret(),
    Setting::new(
        Login,
        "KM_APPROLE_ROLE_ID_FILE",
        "file of the role id, read again when it changes",
    )
    .yaml("km.approle_role_id_file")
    .credential(),
    Setting::new(
        Login,
        "HCP_VAULT_APPROLE_SECRET_ID",
        "AppRole's secret id; a role without one needs `KM_AUTH_METHOD=approle`",
    )
    .secret(),
    Setting::new(
        Login,
        "KM_APPROLE_SECRET_ID_FILE",
        "file of the secret id, read again when it changes",
    )
    .yaml("km.approle_secret_id_file")
    .credential(),
    Setting::new(
        Login,
        "KM_APPROLE_SECRET_ID_WRAPPED",
        "the secret id is a wrapping token; its creation path is checked before it is unwrapped",
    )
    .yaml("km.approle_secret_id_wrapped")
    .text("false"),
    Setting::new(Login, "HCP_VAULT_APPROLE_MOUNT_PATH", "mount of the AppRole method")
        .text("approle"),
    Setting::new(Login, "HCP_VAULT_CLIENT_CERT", "PEM file of the client certificate").credential(),
    Setting::new(Login, "HCP_VAULT_CLIENT_KEY", "PEM file of the client certificate's key")
        .credential(),
    Setting::new(Login, "HCP_VAULT_CERT_ROLE", "certificate role to log in with")
        .rule("any role that the certificate fits"),
    Setting::new(Login, "HCP_VAULT_TOKEN", "static token").secret(),
    Setting::new(Login, "KM_TOKEN_FILE", "file of a token, read again when it changes")
        .yaml("km.token_file")
        .credential(),
    Setting::new(Login, "KM_JWT_ROLE", "role of the JWT method; unset: its default role")
        .yaml("km.jwt_role")
        .credential(),
    Setting::new(Login, "KM_JWT_FILE", "file of the JWT, read again when it changes")
        .yaml("km.jwt_file")
        .credential(),
    Setting::new(Login, "KM_JWT_MOUNT_PATH", "mount of the JWT method")
        .yaml("km.jwt_mount_path")
        .text("jwt"),
    Setting::new(Login, "KM_KUBERNETES_ROLE", "role of the Kubernetes method")
        .yaml("km.kubernetes_role")
        .credential(),
    Setting::new(Login, "KM_KUBERNETES_TOKEN_FILE", "file of the service account's token")
        .yaml("km.kubernetes_token_file")
        .text("/var/run/secrets/kubernetes.io/serviceaccount/token")
        .credential(),
    Setting::new(Login, "KM_KUBERNETES_MOUNT_PATH", "mount of the Kubernetes method")
        .yaml("km.kubernetes_mount_path")
        .text("kubernetes"),
    Setting::new(Login, "KM_USERPASS_USERNAME", "user name of the userpass method")
        .yaml("km.userpass_username")
        .credential(),
    Setting::new(Login, "KM_USERPASS_PASSWORD_FILE", "file of the password")
        .yaml("km.userpass_password_file")
        .credential(),
    Setting::new(Login, "KM_USERPASS_MOUNT_PATH", "mount of the userpass method")
        .yaml("km.userpass_mount_path")
        .text("userpass"),
    Setting::new(Location, "HCP_VAULT_NAMESPACE", "namespace of login and secrets")
        .rule("the root"),
    Setting::new(Location, "HCP_VAULT_SECRET_NAMESPACE", "namespace of secrets; empty is the root")
        .rule("`HCP_VAULT_NAMESPACE`"),
    Setting::new(Location, "HCP_VAULT_MOUNT_NAME", "mount of the KV v2 engine").text("secret"),
    Setting::new(Location, "HCP_VAULT_PATH_PREFIX", "segments between `data/` and a secret's name"),
    Setting::new(Access, "KM_ACCESS_MODE", "`read_only`, `write_only` or `read_and_write`")
        .yaml("access_mode")
        .rule("`read_only`; `read_and_write` where virtual keys are stored"),
    Setting::new(
        Access,
        "KM_HOSTED_KEYS",
        "the only names that Vault is asked for; empty is none, in a variable with `,` between",
    )
    .yaml("hosted_keys")
    .rule("all names"),
    Setting::new(Access, "KM_STORE_VIRTUAL_KEYS", "store the gateway's virtual keys in Vault")
        .yaml("store_virtual_keys")
        .text("false"),
    Setting::new(
        Access,
        "KM_PREFIX_FOR_STORED_VIRTUAL_KEYS",
        "segments before a virtual key's alias; empty is none",
    )
    .yaml("prefix_for_stored_virtual_keys")
    .text("litellm/"),
    Setting::new(
        Access,
        "KM_DANGER_SHARED_KEY_FOLDER",
        "allow virtual keys in the folder of the provider secrets (an empty key prefix); names \
         that the configuration references or hosts are refused as aliases all the same",
    )
    .yaml("km.danger_shared_key_folder")
    .text("false"),
    Setting::new(Access, "KM_DESCRIPTION", "text that is written beside each stored value")
        .yaml("description"),
    Setting::new(
        Access,
        "KM_FALLBACK",
        "when the process environment is asked: `never`, `on_missing` or `on_error`; never for \
         names of settings and credentials, and by `km serve` only for names that the file \
         references",
    )
    .yaml("km.fallback")
    .rule("`on_missing`; `never` in `km serve`"),
    Setting::new(
        Cache,
        "HCP_VAULT_REFRESH_INTERVAL",
        "how long a value is served from memory; `0` is no caching",
    )
    .rule("`SECRET_MANAGER_REFRESH_INTERVAL`, else `86400`"),
    Setting::new(
        Cache,
        "SECRET_MANAGER_REFRESH_INTERVAL",
        "read where `HCP_VAULT_REFRESH_INTERVAL` is not set",
    )
    .text("86400"),
    Setting::new(
        Cache,
        "KM_MAX_STALE",
        "how long past the refresh interval a value may be served while the server can't be asked; \
         `0s` is never",
    )
    .yaml("km.max_stale")
    .text("1h"),
    Setting::new(
        Teams,
        "KM_ALLOWED_TEAM_LOCATIONS",
        "`namespace/mount[:prefix]` patterns that team settings may name; `/kv` is a mount at the \
         root, `*` stands for any characters of a segment, a prefix allows what is at or below it, \
         empty is none, in a variable with `,` between. In the global mount, and in a mount that a \
         pattern with a prefix names, only patterns with a prefix allow anything",
    )
    .yaml("km.allowed_team_locations")
    .rule("all"),
    Setting::new(
        Process,
        "KM_DANGER_DEBUGGABLE",
        "allow core files and debuggers, which can read every secret; from the environment only",
    )
    .text("false"),
];
