//! How the parts of each method are read.

use std::path::PathBuf;

use super::Method;
use super::candidate::{Candidate, Name, Parts};
use crate::reader::Reader;
use crate::values::credential::Credential;

/// Where Kubernetes puts the token of a pod's service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// All methods, LiteLLM's three first and in its order.
pub(super) fn all(reader: &mut Reader<'_>) -> [Candidate; 6] {
    [
        approle(reader),
        cert(reader),
        token(reader),
        jwt(reader),
        kubernetes(reader),
        userpass(reader),
    ]
}

fn approle(reader: &mut Reader<'_>) -> Candidate {
    let mut parts = Parts::default();
    let role_id = parts.need("HCP_VAULT_APPROLE_ROLE_ID", reader, |reader| {
        reader.credential("HCP_VAULT_APPROLE_ROLE_ID", "KM_APPROLE_ROLE_ID_FILE")
    });
    // A role that is bound to addresses, for instance, may ask for none.
    let secret_id = parts.need_unless_named("HCP_VAULT_APPROLE_SECRET_ID", reader, |reader| {
        reader.credential("HCP_VAULT_APPROLE_SECRET_ID", "KM_APPROLE_SECRET_ID_FILE")
    });
    let mount = reader.variable("HCP_VAULT_APPROLE_MOUNT_PATH");
    let mount = reader.path(mount).unwrap_or_else(|| "approle".to_owned());
    let wrapped = reader
        .own("KM_APPROLE_SECRET_ID_WRAPPED")
        .and_then(|found| found.boolean(&mut reader.notes))
        .unwrap_or(false);
    if wrapped && secret_id.is_none() {
        parts.require("HCP_VAULT_APPROLE_SECRET_ID");
    }
    let method = role_id.map(|role_id| Method::AppRole { mount, role_id, secret_id, wrapped });
    Candidate { name: Name::AppRole, parts, method }
}

fn cert(reader: &mut Reader<'_>) -> Candidate {
    let mut parts = Parts::default();
    let certificate = need_file("HCP_VAULT_CLIENT_CERT", &mut parts, reader);
    let key = need_file("HCP_VAULT_CLIENT_KEY", &mut parts, reader);
    let role = reader.variable("HCP_VAULT_CERT_ROLE");
    let role = reader.path(role);
    let method =
        certificate.zip(key).map(|(certificate, key)| Method::Cert { certificate, key, role });
    Candidate { name: Name::Cert, parts, method }
}

fn token(reader: &mut Reader<'_>) -> Candidate {
    let mut parts = Parts::default();
    let token = parts.need("HCP_VAULT_TOKEN", reader, |reader| {
        reader.credential("HCP_VAULT_TOKEN", "KM_TOKEN_FILE")
    });
    let method = token.map(Method::Token);
    Candidate { name: Name::Token, parts, method }
}

fn jwt(reader: &mut Reader<'_>) -> Candidate {
    let mut parts = Parts::default();
    let role =
        parts.need_unless_named("KM_JWT_ROLE", reader, |reader| own_path(reader, "KM_JWT_ROLE"));
    let token_file = need_file("KM_JWT_FILE", &mut parts, reader);
    let mount = own_path(reader, "KM_JWT_MOUNT_PATH").unwrap_or_else(|| "jwt".to_owned());
    let method = token_file.map(|token_file| Method::Jwt { mount, role, token_file });
    Candidate { name: Name::Jwt, parts, method }
}

fn kubernetes(reader: &mut Reader<'_>) -> Candidate {
    let mut parts = Parts::default();
    let role = need_path("KM_KUBERNETES_ROLE", &mut parts, reader);
    let token_file = reader.file("KM_KUBERNETES_TOKEN_FILE");
    let token_file = token_file.unwrap_or_else(|| SERVICE_ACCOUNT.into());
    let mount = own_path(reader, "KM_KUBERNETES_MOUNT_PATH");
    let mount = mount.unwrap_or_else(|| "kubernetes".to_owned());
    let method = role.map(|role| Method::Kubernetes { mount, role, token_file });
    Candidate { name: Name::Kubernetes, parts, method }
}

fn userpass(reader: &mut Reader<'_>) -> Candidate {
    let mut parts = Parts::default();
    let username = need_path("KM_USERPASS_USERNAME", &mut parts, reader);
    let password = need_file("KM_USERPASS_PASSWORD_FILE", &mut parts, reader);
    let mount = own_path(reader, "KM_USERPASS_MOUNT_PATH").unwrap_or_else(|| "userpass".to_owned());
    let method = username.zip(password).map(|(username, password)| Method::Userpass {
        mount,
        username,
        password: Credential::File(password),
    });
    Candidate { name: Name::Userpass, parts, method }
}

fn own_path(reader: &mut Reader<'_>, name: &str) -> Option<String> {
    let found = reader.own(name);
    reader.path(found)
}

fn need_path(name: &'static str, parts: &mut Parts, reader: &mut Reader<'_>) -> Option<String> {
    parts.need(name, reader, |reader| own_path(reader, name))
}

fn need_file(name: &'static str, parts: &mut Parts, reader: &mut Reader<'_>) -> Option<PathBuf> {
    parts.need(name, reader, |reader| reader.file(name))
}
