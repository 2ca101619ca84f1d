use std::ffi::OsString;

use crate::client::Client;
use crate::client::builder::ClientBuilder;

/// Returns the problems with these variables.
fn problems(variables: &[(&str, &str)]) -> Vec<String> {
    let lookup = |name: &str| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| OsString::from(value))
    };
    let error = Client::from_variables(lookup).err();
    let problems = error.iter().flat_map(super::EnvError::problems);
    problems.map(ToString::to_string).collect()
}

fn check(variables: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(problems(variables), expected, "{variables:?}");
}

#[test]
fn address_is_that_of_the_variable_or_the_default() {
    let address = |variables: &[(&str, &str)]| {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let builder = ClientBuilder::from_variables(lookup).unwrap();
        builder.build().unwrap().address().to_string()
    };
    assert_eq!(address(&[("VAULT_ADDR", "http://127.0.0.1:8300/")]), "http://127.0.0.1:8300");
    let both = [("VAULT_ADDR", "http://127.0.0.1:1"), ("BAO_ADDR", "http://127.0.0.1:2")];
    assert_eq!(address(&both), "http://127.0.0.1:2");
    let pem = rcgen::generate_simple_self_signed(["v".to_owned()]).unwrap().cert.pem();
    assert_eq!(address(&[("VAULT_CACERT_BYTES", &pem)]), "https://127.0.0.1:8200");
}

#[test]
fn every_variable_is_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let pair = rcgen::generate_simple_self_signed(["v".to_owned()]).unwrap();
    let write = |name: &str, text: String| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let certificate = write("cert.pem", pair.cert.pem());
    let key = write("key.pem", pair.signing_key.serialize_pem());
    let base = [
        ("VAULT_ADDR", "https://vault.example.com"),
        ("VAULT_NAMESPACE", "team-a/"),
        ("VAULT_CLIENT_CERT", &certificate),
        ("VAULT_CLIENT_KEY", &key),
        ("VAULT_CLIENT_TIMEOUT", "60"),
        ("VAULT_SKIP_VERIFY", "false"),
        ("VAULT_MAX_RETRIES", "0"),
    ];
    let directory = directory.path().display().to_string();
    for more in [
        [("VAULT_CACERT", certificate.as_str()), ("VAULT_TLS_SERVER_NAME", "vault")],
        [("VAULT_CAPATH", directory.as_str()), ("VAULT_PROXY_ADDR", "http://proxy:3128")],
    ] {
        check(&[&base[..], &more].concat(), &[]);
    }
}

#[test]
fn all_problems_are_reported_at_once_with_their_variables() {
    check(
        &[
            ("BAO_ADDR", "https://user:PLANTED@vault"),
            ("VAULT_NAMESPACE", "a//b"),
            ("VAULT_CLIENT_TIMEOUT", "soon"),
            ("VAULT_SKIP_VERIFY", "true"),
            ("VAULT_CLIENT_KEY", "/key.pem"),
            ("VAULT_CACERT", "/missing.pem"),
            ("VAULT_TLS_SERVER_NAME", "a b"),
            ("VAULT_HTTP_PROXY", "https://proxy"),
        ],
        &[
            "BAO_ADDR: must not contain user info (`user:password@`)",
            "VAULT_NAMESPACE: has an empty segment (a slash at either end, or two in a row)",
            "VAULT_CLIENT_TIMEOUT: must be seconds, or a duration such as `30s`",
            "VAULT_SKIP_VERIFY: certificates are always verified; set VAULT_CACERT instead",
            "VAULT_CLIENT_KEY: is set without VAULT_CLIENT_CERT",
            "VAULT_TLS_SERVER_NAME: the TLS server name is not a DNS name or an IP address",
            "VAULT_HTTP_PROXY: must begin with `http://`; TLS to the server passes through the proxy",
            "VAULT_CACERT: /missing.pem: cannot read the file: No such file or directory (os error 2)",
        ],
    );
}

#[test]
fn insecure_or_empty_settings_are_rejected() {
    let local = ("VAULT_ADDR", "http://127.0.0.1");
    check(
        &[("VAULT_ADDR", "http://vault:8200")],
        &[
            "VAULT_ADDR: is plain http to a host that is not loopback, which would expose tokens and secrets",
        ],
    );
    check(
        &[local, ("VAULT_SKIP_VERIFY", "maybe")],
        &["VAULT_SKIP_VERIFY: must be `true` or `false`"],
    );
    let zero = "VAULT_CLIENT_TIMEOUT: the deadline must be greater than zero";
    check(&[local, ("VAULT_CLIENT_TIMEOUT", "0")], &[zero]);
    let missing = problems(&[local, ("BAO_CAPATH", "/missing")]);
    assert!(missing[0].starts_with("BAO_CAPATH: /missing: cannot read"), "{missing:?}");
    let empty = tempfile::tempdir().unwrap();
    let path = empty.path().display().to_string();
    let without = problems(&[local, ("VAULT_CAPATH", &path)]);
    assert_eq!(without, ["VAULT_CAPATH: no valid PEM certificate found"]);
}
