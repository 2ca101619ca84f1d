//! The server and the connection to it.

use super::section::Section::Server;
use super::setting::Setting;
use super::value_type::ValueType::{Address, Boolean, Duration, File, Text};

pub(crate) const ADDRESS: Setting =
    Setting::new(Server, "HCP_VAULT_ADDR", Address, "address of the Vault server")
        .default("http://127.0.0.1:8200");

pub(crate) const CA_CERT: Setting = Setting::new(
    Server,
    "KM_CA_CERT",
    File,
    "PEM bundle of CA certificates that the server's certificate is verified against",
)
.yaml("km.ca_cert")
.derived("`VAULT_CACERT`, else `SSL_CERT_FILE`, else the system's root certificates");

pub(crate) const VAULT_CACERT: Setting =
    Setting::new(Server, "VAULT_CACERT", File, "used if `KM_CA_CERT` is not set");

pub(crate) const SSL_CERT_FILE: Setting = Setting::new(
    Server,
    "SSL_CERT_FILE",
    File,
    "used if neither `KM_CA_CERT` nor `VAULT_CACERT` is set",
);

pub(crate) const TLS_SERVER_NAME: Setting = Setting::new(
    Server,
    "KM_TLS_SERVER_NAME",
    Text,
    "host name that the server's certificate must be valid for",
)
.yaml("km.tls_server_name")
.derived("the host of the address");

pub(crate) const DANGER_PLAINTEXT: Setting = Setting::new(
    Server,
    "KM_DANGER_PLAINTEXT",
    Boolean,
    "allow unencrypted `http://` to hosts other than loopback",
)
.yaml("km.danger_plaintext")
.default("false");

pub(crate) const DEADLINE: Setting =
    Setting::new(Server, "KM_DEADLINE", Duration, "time limit of one operation, retries included")
        .yaml("km.deadline")
        .default("5s");
