//! The table of settings: the only place that holds a setting's name, type, default and text.
//!
//! **Invariant:** the reader takes each default from here and parses it as it parses a value.
//! [`reference`](crate::reference) generates the help and the reference page.

mod section;
mod setting;
mod value_type;

pub(crate) mod access;
pub(crate) mod cache;
pub(crate) mod location;
pub(crate) mod login;
pub(crate) mod process;
pub(crate) mod server;
pub(crate) mod teams;

pub use section::Section;
pub use setting::{DefaultValue, Sensitivity, Setting};
pub use value_type::ValueType;

/// Every setting, in the order of the reference.
pub const SETTINGS: &[Setting] = &[
    server::ADDRESS,
    server::CA_CERT,
    server::VAULT_CACERT,
    server::SSL_CERT_FILE,
    server::TLS_SERVER_NAME,
    server::DANGER_PLAINTEXT,
    server::DEADLINE,
    login::AUTH_METHOD,
    login::NAMESPACE,
    login::APPROLE_ROLE_ID,
    login::APPROLE_ROLE_ID_FILE,
    login::APPROLE_SECRET_ID,
    login::APPROLE_SECRET_ID_FILE,
    login::APPROLE_SECRET_ID_WRAPPED,
    login::APPROLE_MOUNT_PATH,
    login::CLIENT_CERT,
    login::CLIENT_KEY,
    login::CERT_ROLE,
    login::TOKEN,
    login::TOKEN_FILE,
    login::JWT_ROLE,
    login::JWT_FILE,
    login::JWT_MOUNT_PATH,
    login::KUBERNETES_ROLE,
    login::KUBERNETES_TOKEN_FILE,
    login::KUBERNETES_MOUNT_PATH,
    login::USERPASS_USERNAME,
    login::USERPASS_PASSWORD_FILE,
    login::USERPASS_MOUNT_PATH,
    location::NAMESPACE,
    location::SECRET_NAMESPACE,
    location::MOUNT_NAME,
    location::PATH_PREFIX,
    access::ACCESS_MODE,
    access::HOSTED_KEYS,
    access::STORE_VIRTUAL_KEYS,
    access::VIRTUAL_KEY_PREFIX,
    access::DANGER_SHARED_KEY_FOLDER,
    access::DESCRIPTION,
    access::FALLBACK,
    cache::REFRESH_INTERVAL,
    cache::GENERAL_REFRESH_INTERVAL,
    cache::POLL_INTERVAL,
    cache::MAX_STALE,
    teams::ALLOWED_LOCATIONS,
    process::DANGER_DEBUGGABLE,
];
