//! The settings of each method.

use super::candidate::Candidate;
use super::method::Method;
use super::name::MethodName;
use super::parts::Parts;
use crate::reader::Reader;
use crate::table::login::{
    APPROLE_MOUNT_PATH, APPROLE_ROLE_ID, APPROLE_ROLE_ID_FILE, APPROLE_SECRET_ID,
    APPROLE_SECRET_ID_FILE, APPROLE_SECRET_ID_WRAPPED, CERT_ROLE, CLIENT_CERT, CLIENT_KEY,
    JWT_FILE, JWT_MOUNT_PATH, JWT_ROLE, KUBERNETES_MOUNT_PATH, KUBERNETES_ROLE,
    KUBERNETES_TOKEN_FILE, TOKEN, TOKEN_FILE, USERPASS_MOUNT_PATH, USERPASS_PASSWORD_FILE,
    USERPASS_USERNAME,
};
use crate::values::credential::Credential;

/// Reads all methods, LiteLLM's three first and in its order of precedence.
pub(super) fn read_all(reader: &mut Reader<'_>) -> [Candidate; 6] {
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
    let role_id = parts.require(&APPROLE_ROLE_ID, reader, |reader| {
        reader.credential(&APPROLE_ROLE_ID, &APPROLE_ROLE_ID_FILE)
    });
    // A role with `bind_secret_id=false` requires no secret ID.
    let secret_id = parts.require_unless_named(&APPROLE_SECRET_ID, reader, |reader| {
        reader.credential(&APPROLE_SECRET_ID, &APPROLE_SECRET_ID_FILE)
    });
    let mount = reader.path(&APPROLE_MOUNT_PATH).unwrap_or_default();
    let wrapped = reader.boolean(&APPROLE_SECRET_ID_WRAPPED);
    if wrapped && secret_id.is_none() {
        parts.make_required(&APPROLE_SECRET_ID);
    }
    let method = role_id.map(|role_id| Method::AppRole { mount, role_id, secret_id, wrapped });
    Candidate { name: MethodName::AppRole, parts, method }
}

fn cert(reader: &mut Reader<'_>) -> Candidate {
    let mut parts = Parts::default();
    let certificate = parts.file(&CLIENT_CERT, reader);
    let key = parts.file(&CLIENT_KEY, reader);
    let role = reader.path(&CERT_ROLE);
    let method =
        certificate.zip(key).map(|(certificate, key)| Method::Cert { certificate, key, role });
    Candidate { name: MethodName::Cert, parts, method }
}

fn token(reader: &mut Reader<'_>) -> Candidate {
    let mut parts = Parts::default();
    let token = parts.require(&TOKEN, reader, |reader| reader.credential(&TOKEN, &TOKEN_FILE));
    let method = token.map(Method::Token);
    Candidate { name: MethodName::Token, parts, method }
}

fn jwt(reader: &mut Reader<'_>) -> Candidate {
    let mut parts = Parts::default();
    let role = parts.require_unless_named(&JWT_ROLE, reader, |reader| reader.path(&JWT_ROLE));
    let token_file = parts.file(&JWT_FILE, reader);
    let mount = reader.path(&JWT_MOUNT_PATH).unwrap_or_default();
    let method = token_file.map(|token_file| Method::Jwt { mount, role, token_file });
    Candidate { name: MethodName::Jwt, parts, method }
}

fn kubernetes(reader: &mut Reader<'_>) -> Candidate {
    let mut parts = Parts::default();
    let role = parts.path(&KUBERNETES_ROLE, reader);
    let token_file = reader.file(&KUBERNETES_TOKEN_FILE).unwrap_or_default();
    let mount = reader.path(&KUBERNETES_MOUNT_PATH).unwrap_or_default();
    let method = role.map(|role| Method::Kubernetes { mount, role, token_file });
    Candidate { name: MethodName::Kubernetes, parts, method }
}

fn userpass(reader: &mut Reader<'_>) -> Candidate {
    let mut parts = Parts::default();
    let username = parts.path(&USERPASS_USERNAME, reader);
    let password = parts.file(&USERPASS_PASSWORD_FILE, reader);
    let mount = reader.path(&USERPASS_MOUNT_PATH).unwrap_or_default();
    let method = username.zip(password).map(|(username, password)| Method::Userpass {
        mount,
        username,
        password: Credential::File(password),
    });
    Candidate { name: MethodName::Userpass, parts, method }
}
