//! The login method and its credentials.

use super::section::Section::Login;
use super::setting::Setting;
use super::value_type::ValueType::{Boolean, Choice, File, Path, Text};

pub(crate) const AUTH_METHOD: Setting = Setting::new(
    Login,
    "KM_AUTH_METHOD",
    Choice(&["approle", "cert", "token", "jwt", "kubernetes", "userpass"]),
    "login method",
)
.yaml("km.auth_method")
.derived("the first of `approle`, `cert` and `token` whose settings are complete");

pub(crate) const NAMESPACE: Setting = Setting::new(
    Login,
    "HCP_VAULT_LOGIN_NAMESPACE",
    Path,
    "namespace of the login; empty is the root namespace",
)
.derived("`HCP_VAULT_NAMESPACE`");

pub(crate) const APPROLE_ROLE_ID: Setting =
    Setting::new(Login, "HCP_VAULT_APPROLE_ROLE_ID", Text, "AppRole role ID").secret();

pub(crate) const APPROLE_ROLE_ID_FILE: Setting = Setting::new(
    Login,
    "KM_APPROLE_ROLE_ID_FILE",
    File,
    "file with the AppRole role ID, reloaded when it changes",
)
.yaml("km.approle_role_id_file")
.credential();

pub(crate) const APPROLE_SECRET_ID: Setting = Setting::new(
    Login,
    "HCP_VAULT_APPROLE_SECRET_ID",
    Text,
    "AppRole secret ID; optional with `KM_AUTH_METHOD=approle`",
)
.secret();

pub(crate) const APPROLE_SECRET_ID_FILE: Setting = Setting::new(
    Login,
    "KM_APPROLE_SECRET_ID_FILE",
    File,
    "file with the AppRole secret ID, reloaded when it changes",
)
.yaml("km.approle_secret_id_file")
.credential();

pub(crate) const APPROLE_SECRET_ID_WRAPPED: Setting = Setting::new(
    Login,
    "KM_APPROLE_SECRET_ID_WRAPPED",
    Boolean,
    "the secret ID is a wrapping token; its creation path is verified before it is unwrapped",
)
.yaml("km.approle_secret_id_wrapped")
.default("false");

pub(crate) const APPROLE_MOUNT_PATH: Setting =
    Setting::new(Login, "HCP_VAULT_APPROLE_MOUNT_PATH", Path, "mount of the AppRole method")
        .default("approle");

pub(crate) const CLIENT_CERT: Setting =
    Setting::new(Login, "HCP_VAULT_CLIENT_CERT", File, "PEM file with the client certificate")
        .credential();

pub(crate) const CLIENT_KEY: Setting = Setting::new(
    Login,
    "HCP_VAULT_CLIENT_KEY",
    File,
    "PEM file with the private key of the client certificate",
)
.credential();

pub(crate) const CERT_ROLE: Setting =
    Setting::new(Login, "HCP_VAULT_CERT_ROLE", Path, "role of the certificate method")
        .derived("any role that the certificate matches");

pub(crate) const TOKEN: Setting =
    Setting::new(Login, "HCP_VAULT_TOKEN", Text, "static Vault token").secret();

pub(crate) const TOKEN_FILE: Setting =
    Setting::new(Login, "KM_TOKEN_FILE", File, "file with a Vault token, reloaded when it changes")
        .yaml("km.token_file")
        .credential();

pub(crate) const JWT_ROLE: Setting =
    Setting::new(Login, "KM_JWT_ROLE", Path, "role of the JWT method")
        .yaml("km.jwt_role")
        .derived("the default role of the method")
        .credential();

pub(crate) const JWT_FILE: Setting =
    Setting::new(Login, "KM_JWT_FILE", File, "file with the JWT, reloaded when it changes")
        .yaml("km.jwt_file")
        .credential();

pub(crate) const JWT_MOUNT_PATH: Setting =
    Setting::new(Login, "KM_JWT_MOUNT_PATH", Path, "mount of the JWT method")
        .yaml("km.jwt_mount_path")
        .default("jwt");

pub(crate) const KUBERNETES_ROLE: Setting =
    Setting::new(Login, "KM_KUBERNETES_ROLE", Path, "role of the Kubernetes method")
        .yaml("km.kubernetes_role")
        .credential();

pub(crate) const KUBERNETES_TOKEN_FILE: Setting = Setting::new(
    Login,
    "KM_KUBERNETES_TOKEN_FILE",
    File,
    "file with the service account token of the pod",
)
.yaml("km.kubernetes_token_file")
.default("/var/run/secrets/kubernetes.io/serviceaccount/token")
.credential();

pub(crate) const KUBERNETES_MOUNT_PATH: Setting =
    Setting::new(Login, "KM_KUBERNETES_MOUNT_PATH", Path, "mount of the Kubernetes method")
        .yaml("km.kubernetes_mount_path")
        .default("kubernetes");

pub(crate) const USERPASS_USERNAME: Setting =
    Setting::new(Login, "KM_USERPASS_USERNAME", Path, "user name of the userpass method")
        .yaml("km.userpass_username")
        .credential();

pub(crate) const USERPASS_PASSWORD_FILE: Setting =
    Setting::new(Login, "KM_USERPASS_PASSWORD_FILE", File, "file with the password")
        .yaml("km.userpass_password_file")
        .credential();

pub(crate) const USERPASS_MOUNT_PATH: Setting =
    Setting::new(Login, "KM_USERPASS_MOUNT_PATH", Path, "mount of the userpass method")
        .yaml("km.userpass_mount_path")
        .default("userpass");
