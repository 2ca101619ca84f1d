//! The choice of the login method, and the messages if none is complete.

use std::path::Path;

use km_settings::{Credential, Method, Settings};
use secrecy::ExposeSecret as _;

use crate::common::{SECRET, env, management, read_all, warnings};

const ROLE_ID: (&str, &str) = ("HCP_VAULT_APPROLE_ROLE_ID", SECRET);
const SECRET_ID: (&str, &str) = ("HCP_VAULT_APPROLE_SECRET_ID", SECRET);
const CERT: (&str, &str) = ("HCP_VAULT_CLIENT_CERT", "/client.pem");
const KEY: (&str, &str) = ("HCP_VAULT_CLIENT_KEY", "/client.key");
const TOKEN: (&str, &str) = ("HCP_VAULT_TOKEN", SECRET);
const TOKEN_FILE: (&str, &str) = ("KM_TOKEN_FILE", "/token");
const JWT_ROLE: (&str, &str) = ("KM_JWT_ROLE", "gateway");
const JWT_FILE: (&str, &str) = ("KM_JWT_FILE", "/jwt");

fn read(variables: &[(&str, &str)]) -> Settings {
    read_all(&env(variables), "").unwrap_or_else(|problems| panic!("{variables:?}: {problems}"))
}

fn word(method: &Method) -> &'static str {
    match method {
        Method::AppRole { .. } => "approle",
        Method::Cert { .. } => "cert",
        Method::Token(_) => "token",
        Method::Jwt { .. } => "jwt",
        Method::Kubernetes { .. } => "kubernetes",
        Method::Userpass { .. } => "userpass",
    }
}

#[test]
fn first_complete_method_is_chosen() {
    for (variables, expected, warned) in [
        (vec![TOKEN], "token", 0),
        (vec![TOKEN_FILE], "token", 0),
        (vec![CERT, KEY, TOKEN], "cert", 0),
        (vec![ROLE_ID, SECRET_ID, CERT, KEY, TOKEN], "approle", 0),
        (vec![ROLE_ID, TOKEN], "token", 1),
        (vec![ROLE_ID, CERT, TOKEN], "token", 2),
        (vec![SECRET_ID, CERT, KEY], "cert", 1),
        (vec![("HCP_VAULT_APPROLE_ROLE_ID", ""), SECRET_ID, TOKEN], "token", 1),
        (vec![JWT_ROLE, JWT_FILE, TOKEN], "token", 1),
    ] {
        let settings = read(&variables);
        assert_eq!(word(&settings.login.method), expected, "{variables:?}");
        assert_eq!(settings.warnings.len(), warned, "{:?}", settings.warnings);
    }
}

#[test]
fn incomplete_method_causes_warning() {
    let lines = warnings(&read(&[ROLE_ID, TOKEN]));
    let expected =
        "HCP_VAULT_APPROLE_ROLE_ID is ignored, because HCP_VAULT_APPROLE_SECRET_ID is not set";
    assert!(lines[0].contains(expected), "{lines:?}");
}

fn check_rejected(variables: &[(&str, &str)], parts: &[&str]) {
    let problems = read_all(&env(variables), "").unwrap_err().to_string();
    assert_eq!(problems.lines().count(), 1, "{problems}");
    for part in parts {
        assert!(problems.contains(part), "{part:?} is not in {problems}");
    }
}

#[test]
fn problem_without_a_complete_method_names_all_three() {
    let three = ["AppRole", "HCP_VAULT_CLIENT_CERT", "HCP_VAULT_TOKEN"];
    check_rejected(&[], &three);
    check_rejected(&[("HCP_VAULT_TOKEN", " ")], &three);
    check_rejected(
        &[ROLE_ID, JWT_ROLE],
        &["but HCP_VAULT_APPROLE_SECRET_ID is not (hint: set HCP_VAULT_APPROLE_SECRET_ID too)"],
    );
    check_rejected(&[KEY], &["HCP_VAULT_CLIENT_KEY is set, but HCP_VAULT_CLIENT_CERT is not"]);
    check_rejected(&[JWT_ROLE, JWT_FILE], &["HCP_VAULT_TOKEN", "set KM_AUTH_METHOD=jwt"]);
    check_rejected(&[("KM_KUBERNETES_ROLE", "r")], &["set KM_AUTH_METHOD=kubernetes"]);
}

#[test]
fn named_method_is_chosen_over_all_others() {
    for (name, mut variables) in [
        ("approle", vec![ROLE_ID, SECRET_ID]),
        ("cert", vec![CERT, KEY, ROLE_ID, SECRET_ID]),
        ("token", vec![TOKEN, ROLE_ID, SECRET_ID]),
        ("jwt", vec![JWT_ROLE, JWT_FILE, TOKEN]),
        ("kubernetes", vec![("KM_KUBERNETES_ROLE", "gateway"), TOKEN]),
        ("userpass", vec![("KM_USERPASS_USERNAME", "g"), ("KM_USERPASS_PASSWORD_FILE", "/p")]),
    ] {
        variables.push(("KM_AUTH_METHOD", name));
        let settings = read(&variables);
        assert_eq!(word(&settings.login.method), name);
        assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    }
}

#[test]
fn named_method_that_is_incomplete_is_rejected() {
    for (name, missing) in [
        ("approle", "HCP_VAULT_APPROLE_ROLE_ID not set"),
        ("cert", "HCP_VAULT_CLIENT_CERT and HCP_VAULT_CLIENT_KEY not set"),
        ("jwt", "KM_JWT_FILE not set"),
        ("kubernetes", "KM_KUBERNETES_ROLE not set"),
        ("userpass", "KM_USERPASS_USERNAME and KM_USERPASS_PASSWORD_FILE not set"),
    ] {
        check_rejected(&[TOKEN, ("KM_AUTH_METHOD", name)], &["KM_AUTH_METHOD", missing]);
    }
    check_rejected(&[("KM_AUTH_METHOD", "token")], &["HCP_VAULT_TOKEN not set"]);
    check_rejected(
        &[TOKEN, ("KM_AUTH_METHOD", "ldap")],
        &["`ldap`", "`approle`, `cert`, `token`, `jwt`, `kubernetes`, `userpass`"],
    );
}

/// AppRole has `bind_secret_id=false`, and the JWT method has a `default_role`.
#[test]
fn secret_id_and_jwt_role_are_optional_if_their_method_is_named() {
    let named = |name, variable| read(&[variable, ("KM_AUTH_METHOD", name)]).login.method;
    let Method::AppRole { secret_id, .. } = named("approle", ROLE_ID) else {
        panic!("not AppRole")
    };
    assert!(secret_id.is_none());
    let Method::Jwt { role, .. } = named("jwt", JWT_FILE) else { panic!("not jwt") };
    assert!(role.is_none());
    // A method that is not named and is incomplete does not hide another one.
    check_rejected(&[ROLE_ID], &["HCP_VAULT_APPROLE_SECRET_ID"]);
    let settings = read(&[ROLE_ID, TOKEN]);
    assert_eq!(word(&settings.login.method), "token");
    // Without a secret ID there is nothing to unwrap.
    let wrapped = ("KM_APPROLE_SECRET_ID_WRAPPED", "true");
    check_rejected(
        &[ROLE_ID, wrapped, ("KM_AUTH_METHOD", "approle")],
        &["HCP_VAULT_APPROLE_SECRET_ID not set"],
    );
}

#[test]
fn credential_as_both_value_and_file_is_rejected() {
    check_rejected(&[TOKEN, TOKEN_FILE], &["HCP_VAULT_TOKEN", "KM_TOKEN_FILE"]);
    for file in ["KM_APPROLE_ROLE_ID_FILE", "KM_APPROLE_SECRET_ID_FILE"] {
        check_rejected(&[ROLE_ID, SECRET_ID, (file, "/f")], &[file]);
    }
}

#[test]
fn credential_is_trimmed_and_rejected_with_a_control_character() {
    let settings = read(&[("HCP_VAULT_TOKEN", " hvs.planted-secret\n")]);
    let Method::Token(Credential::Value(token)) = settings.login.method else { panic!("no token") };
    assert_eq!(token.expose_secret(), SECRET);
    check_rejected(&[("HCP_VAULT_TOKEN", "hvs.planted-secret\nmore")], &["control character"]);
}

#[test]
fn parts_of_a_method_have_defaults_and_are_normalized() {
    let Method::AppRole { mount, wrapped, .. } = read(&[
        ROLE_ID,
        SECRET_ID,
        ("HCP_VAULT_APPROLE_MOUNT_PATH", " /ci/approle/ "),
        ("KM_APPROLE_SECRET_ID_WRAPPED", "true"),
    ])
    .login
    .method
    else {
        panic!("not AppRole")
    };
    assert_eq!((mount.as_str(), wrapped), ("ci/approle", true));

    let variables = [("KM_AUTH_METHOD", "kubernetes"), ("KM_KUBERNETES_ROLE", "r")];
    let Method::Kubernetes { mount, token_file, .. } = read(&variables).login.method else {
        panic!("not Kubernetes")
    };
    assert_eq!(mount, "kubernetes");
    assert_eq!(token_file, Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token"));

    for (role, expected) in [("", None), (" web ", Some("web"))] {
        let variables = [CERT, KEY, ("HCP_VAULT_CERT_ROLE", role)];
        let Method::Cert { role, .. } = read(&variables).login.method else { panic!("not cert") };
        assert_eq!(role.as_deref(), expected);
    }
}

#[test]
fn method_can_be_set_in_the_file() {
    let text =
        management(&["km:", "  auth_method: jwt", "  jwt_role: gateway", "  jwt_file: /jwt"]);
    let settings = read_all(&env(&[]), &text).unwrap();
    let Method::Jwt { mount, role, token_file } = settings.login.method else { panic!("not jwt") };
    assert_eq!((mount.as_str(), role.as_deref()), ("jwt", Some("gateway")));
    assert_eq!(token_file, Path::new("/jwt"));
}

#[test]
fn invalid_mount_does_not_hide_a_missing_part() {
    for (variables, expected) in [
        (vec![("HCP_VAULT_APPROLE_MOUNT_PATH", "..")], 2),
        (vec![("KM_JWT_MOUNT_PATH", ".."), ("KM_AUTH_METHOD", "jwt")], 2),
        (vec![("KM_JWT_ROLE", ".."), ("KM_AUTH_METHOD", "jwt")], 2),
        (vec![ROLE_ID, ("KM_APPROLE_ROLE_ID_FILE", "/f")], 2),
        (vec![TOKEN, TOKEN_FILE], 1),
    ] {
        let problems = read_all(&env(&variables), "").unwrap_err();
        assert_eq!(problems.iter().count(), expected, "{problems}");
    }
}

#[test]
fn invalid_part_is_not_reported_as_missing() {
    check_rejected(
        &[JWT_FILE, ("KM_JWT_ROLE", ".."), ("KM_AUTH_METHOD", "jwt")],
        &["KM_JWT_ROLE", "is not a valid path"],
    );
}
