//! Which method logs in, and what is said when none can.

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
fn the_first_complete_method_logs_in() {
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
fn a_half_set_pair_is_warned_of() {
    let lines = warnings(&read(&[ROLE_ID, TOKEN]));
    let expected = "HCP_VAULT_APPROLE_ROLE_ID is set without HCP_VAULT_APPROLE_SECRET_ID";
    assert!(lines[0].contains(expected), "{lines:?}");
}

fn check_refused(variables: &[(&str, &str)], parts: &[&str]) {
    let problems = read_all(&env(variables), "").unwrap_err().to_string();
    assert_eq!(problems.lines().count(), 1, "{problems}");
    for part in parts {
        assert!(problems.contains(part), "{part:?} is not in {problems}");
    }
}

#[test]
fn without_a_complete_method_all_three_are_named() {
    let three = ["AppRole", "HCP_VAULT_CLIENT_CERT", "HCP_VAULT_TOKEN"];
    check_refused(&[], &three);
    check_refused(&[("HCP_VAULT_TOKEN", " ")], &three);
    check_refused(
        &[ROLE_ID, JWT_ROLE],
        &["HCP_VAULT_APPROLE_SECRET_ID is missing (hint: set HCP_VAULT_APPROLE_SECRET_ID too)"],
    );
    check_refused(&[KEY], &["HCP_VAULT_CLIENT_KEY is set, HCP_VAULT_CLIENT_CERT is missing"]);
    check_refused(&[JWT_ROLE, JWT_FILE], &["HCP_VAULT_TOKEN", "set KM_AUTH_METHOD=jwt"]);
    check_refused(&[("KM_KUBERNETES_ROLE", "r")], &["set KM_AUTH_METHOD=kubernetes"]);
}

#[test]
fn a_named_method_logs_in_whatever_else_is_set() {
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
fn a_named_method_must_be_complete() {
    for (name, missing) in [
        ("approle", "HCP_VAULT_APPROLE_ROLE_ID missing"),
        ("cert", "HCP_VAULT_CLIENT_CERT and HCP_VAULT_CLIENT_KEY missing"),
        ("jwt", "KM_JWT_FILE missing"),
        ("kubernetes", "KM_KUBERNETES_ROLE missing"),
        ("userpass", "KM_USERPASS_USERNAME and KM_USERPASS_PASSWORD_FILE missing"),
    ] {
        check_refused(&[TOKEN, ("KM_AUTH_METHOD", name)], &["KM_AUTH_METHOD", missing]);
    }
    check_refused(&[("KM_AUTH_METHOD", "token")], &["HCP_VAULT_TOKEN missing"]);
    check_refused(
        &[TOKEN, ("KM_AUTH_METHOD", "ldap")],
        &["`ldap`", "`approle`, `cert`, `token`, `jwt`, `kubernetes`, `userpass`"],
    );
}

/// C5: `bind_secret_id=false`, and the JWT method's `default_role`.
#[test]
fn secret_id_and_jwt_role_are_optional_when_their_method_is_named() {
    let named = |name, variable| read(&[variable, ("KM_AUTH_METHOD", name)]).login.method;
    let Method::AppRole { secret_id, .. } = named("approle", ROLE_ID) else {
        panic!("not AppRole")
    };
    assert!(secret_id.is_none());
    let Method::Jwt { role, .. } = named("jwt", JWT_FILE) else { panic!("not jwt") };
    assert!(role.is_none());
    // Unnamed, half of a method is a mistake, and does not hide another one.
    check_refused(&[ROLE_ID], &["HCP_VAULT_APPROLE_SECRET_ID"]);
    let settings = read(&[ROLE_ID, TOKEN]);
    assert_eq!(word(&settings.login.method), "token");
    // There is nothing to unwrap.
    let wrapped = ("KM_APPROLE_SECRET_ID_WRAPPED", "true");
    check_refused(
        &[ROLE_ID, wrapped, ("KM_AUTH_METHOD", "approle")],
        &["HCP_VAULT_APPROLE_SECRET_ID missing"],
    );
}

#[test]
fn a_value_and_a_file_of_one_credential_contradict() {
    check_refused(&[TOKEN, TOKEN_FILE], &["HCP_VAULT_TOKEN", "KM_TOKEN_FILE"]);
    for file in ["KM_APPROLE_ROLE_ID_FILE", "KM_APPROLE_SECRET_ID_FILE"] {
        check_refused(&[ROLE_ID, SECRET_ID, (file, "/f")], &[file]);
    }
}

#[test]
fn credentials_are_trimmed_and_hold_no_control_character() {
    let settings = read(&[("HCP_VAULT_TOKEN", " hvs.planted-secret\n")]);
    let Method::Token(Credential::Value(token)) = settings.login.method else { panic!("no token") };
    assert_eq!(token.expose_secret(), SECRET);
    check_refused(&[("HCP_VAULT_TOKEN", "hvs.planted-secret\nmore")], &["control character"]);
}

#[test]
fn parts_have_defaults_and_are_cleaned() {
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
fn methods_may_be_set_in_the_file() {
    let text =
        management(&["km:", "  auth_method: jwt", "  jwt_role: gateway", "  jwt_file: /jwt"]);
    let settings = read_all(&env(&[]), &text).unwrap();
    let Method::Jwt { mount, role, token_file } = settings.login.method else { panic!("not jwt") };
    assert_eq!((mount.as_str(), role.as_deref()), ("jwt", Some("gateway")));
    assert_eq!(token_file, Path::new("/jwt"));
}

#[test]
fn a_refused_mount_hides_no_missing_part() {
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
fn a_refused_part_is_not_reported_as_missing() {
    check_refused(
        &[JWT_FILE, ("KM_JWT_ROLE", ".."), ("KM_AUTH_METHOD", "jwt")],
        &["KM_JWT_ROLE", "can't be part of a path"],
    );
}
