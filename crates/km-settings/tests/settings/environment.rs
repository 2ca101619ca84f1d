//! LiteLLM's variables, and those of this project.

use std::path::Path;
use std::time::Duration;

use km_settings::{
    Fallback, FileProblem, Login, Server, SettingSource, Settings, Sources, Validator,
};

use crate::common::{Strict, bad, check_problem, env, good, read_all, warnings};

#[test]
fn settings_have_their_defaults_if_only_a_token_is_set() {
    let settings = good(&[], "");
    assert_eq!(settings.server.address, "http://127.0.0.1:8200");
    assert_eq!(settings.server.deadline, Duration::from_secs(5));
    assert_eq!(settings.server.ca_cert, None);
    assert_eq!(settings.server.tls_server_name, None);
    assert!(!settings.server.danger_plaintext);
    assert_eq!(settings.login.namespace, None);
    assert_eq!(settings.location.namespace, None);
    assert_eq!(settings.location.mount, "secret");
    assert_eq!(settings.location.path_prefix, None);
    assert_eq!(settings.location.field, "key");
    assert_eq!(settings.fallback, Fallback::OnMissing);
    assert_eq!(settings.refresh_interval, Duration::from_secs(86_400));
    assert_eq!(settings.poll_interval, Duration::from_secs(60));
    assert_eq!(settings.max_stale, Duration::from_secs(3600));
    assert!(settings.hosted_keys.is_none());
    assert!(settings.allowed_team_locations.is_none());
    assert!(settings.warnings.is_empty());
}

#[test]
fn namespace_mount_and_prefix_are_normalized() {
    for (input, namespace, mount, prefix) in [
        ("", None, "secret", None),
        (" ", None, "secret", None),
        ("/", None, "secret", None),
        (" /a/b/ ", Some("a/b"), "a/b", Some("a/b")),
    ] {
        let location = good(
            &[
                ("HCP_VAULT_NAMESPACE", input),
                ("HCP_VAULT_MOUNT_NAME", input),
                ("HCP_VAULT_PATH_PREFIX", input),
            ],
            "",
        )
        .location;
        assert_eq!(location.namespace.as_deref(), namespace, "{input:?}");
        assert_eq!(location.mount, mount, "{input:?}");
        assert_eq!(location.path_prefix.as_deref(), prefix, "{input:?}");
    }
}

#[test]
fn login_and_secrets_can_have_different_namespaces() {
    let general = ("HCP_VAULT_NAMESPACE", "admin");
    let login = "HCP_VAULT_LOGIN_NAMESPACE";
    let secret = "HCP_VAULT_SECRET_NAMESPACE";
    for (variables, expected) in [
        (vec![general], (Some("admin"), Some("admin"))),
        (vec![general, (login, "a")], (Some("a"), Some("admin"))),
        (vec![general, (secret, "b/")], (Some("admin"), Some("b"))),
        (vec![general, (login, "")], (None, Some("admin"))),
        (vec![general, (secret, "/")], (Some("admin"), None)),
        (vec![(login, "a"), (secret, "b")], (Some("a"), Some("b"))),
    ] {
        let settings = good(&variables, "");
        let found = (settings.login.namespace.as_deref(), settings.location.namespace.as_deref());
        assert_eq!(found, expected, "{variables:?}");
    }
}

#[test]
fn address_is_normalized_and_validated() {
    for (input, expected) in [
        ("https://v:8200", "https://v:8200"),
        (" https://v:8200/ ", "https://v:8200"),
        ("", "http://127.0.0.1:8200"),
    ] {
        assert_eq!(good(&[("HCP_VAULT_ADDR", input)], "").server.address, expected);
    }
    check_problem(&[("HCP_VAULT_ADDR", "http://v:8200")], "", &["HCP_VAULT_ADDR: it is neither"]);
    good(&[("HCP_VAULT_ADDR", "http://v:8200"), ("KM_DANGER_PLAINTEXT", "Yes")], "");
}

#[test]
fn address_with_a_password_is_not_quoted() {
    let lines = bad(&[("HCP_VAULT_ADDR", "https://user:pass@v:8200")], "");
    assert!(lines[0].contains("user info") && !lines[0].contains("pass@"), "{lines:?}");
}

#[test]
fn invalid_plaintext_switch_is_a_single_problem() {
    let variables = [("HCP_VAULT_ADDR", "http://v:8200"), ("KM_DANGER_PLAINTEXT", "perhaps")];
    check_problem(&variables, "", &["KM_DANGER_PLAINTEXT: `perhaps` is not `true` or `false`"]);
}

#[test]
fn debugging_can_be_allowed_in_the_environment_only() {
    let allowed = |value: &str| {
        let variables = [("KM_DANGER_DEBUGGABLE".to_owned(), value.to_owned())];
        km_settings::is_debuggable(&std::collections::BTreeMap::from(variables))
    };
    for (value, expected) in
        [("true", true), ("1", true), ("false", false), ("", false), ("perhaps", false)]
    {
        assert_eq!(allowed(value), expected, "{value}");
    }
    let message = "KM_DANGER_DEBUGGABLE: `perhaps` is not `true` or `false`";
    check_problem(&[("KM_DANGER_DEBUGGABLE", "perhaps")], "", &[message]);
    let own = "general_settings: {key_management_settings: {km: {danger_debuggable: true}}}";
    let warnings = good(&[], own).warnings;
    assert!(warnings.iter().any(|warning| warning.message == "unknown setting"), "{warnings:?}");
}

#[test]
fn first_ca_bundle_that_is_set_is_used() {
    let all = [("KM_CA_CERT", "a"), ("VAULT_CACERT", "b"), ("SSL_CERT_FILE", "c")];
    for (index, (_, expected)) in all.iter().enumerate() {
        let settings = good(&all[index..], "");
        assert_eq!(settings.server.ca_cert.as_deref(), Some(Path::new(expected)));
    }
    let settings = good(&[("KM_CA_CERT", ""), ("VAULT_CACERT", "b")], "");
    assert_eq!(settings.server.ca_cert.as_deref(), Some(Path::new("b")));
}

#[test]
fn specific_refresh_interval_takes_precedence() {
    let (own, general) = ("HCP_VAULT_REFRESH_INTERVAL", "SECRET_MANAGER_REFRESH_INTERVAL");
    for (variables, expected) in [
        (vec![(own, "60")], 60),
        (vec![(general, "90")], 90),
        (vec![(own, "60"), (general, "90")], 60),
        (vec![(own, ""), (general, "90")], 90),
        (vec![(own, "0")], 0),
        (vec![(own, "1h")], 3600),
    ] {
        let settings = good(&variables, "");
        assert_eq!(settings.refresh_interval, Duration::from_secs(expected), "{variables:?}");
    }
}

#[test]
fn invalid_duration_is_rejected_with_its_reason() {
    for (name, value, part) in [
        ("HCP_VAULT_REFRESH_INTERVAL", "-1", "`-1` is negative"),
        ("HCP_VAULT_REFRESH_INTERVAL", "soon", "`soon` is not a duration"),
        ("SECRET_MANAGER_REFRESH_INTERVAL", "-0.5", "is negative"),
        ("HCP_VAULT_REFRESH_INTERVAL", "18446744073709551615", "longer than ten years"),
        ("KM_MAX_STALE", "11y", "is not a duration"),
        ("KM_DEADLINE", "0", "must be longer than zero"),
        ("KM_DEADLINE", "0s", "must be longer than zero"),
        ("KM_DEADLINE", "-5s", "is negative"),
    ] {
        check_problem(&[(name, value)], "", &[name, part]);
    }
}

#[test]
fn unused_vault_variable_causes_warning() {
    let vault = [("VAULT_ADDR", "http://elsewhere"), ("VAULT_NAMESPACE", "admin")];
    let lines = warnings(&good(&vault, ""));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("set HCP_VAULT_ADDR to the value of VAULT_ADDR"), "{lines:?}");
    let ours = [("HCP_VAULT_ADDR", "https://v"), ("HCP_VAULT_SECRET_NAMESPACE", "a")];
    assert!(good(&[vault, ours].concat(), "").warnings.is_empty());
    assert!(good(&[("VAULT_ADDR", "")], "").warnings.is_empty());
}

#[test]
fn without_login_accepts_an_incomplete_login() {
    let read = |variables: &[(&str, &str)]| {
        let env = env(variables);
        Settings::without_login(&Sources { env: &env, yaml: None, validator: &RejectCaCert })
    };
    for variables in [
        vec![],
        vec![("KM_AUTH_METHOD", "approle")],
        vec![("HCP_VAULT_APPROLE_ROLE_ID", "half")],
        vec![("KM_CA_CERT", "/not/there.pem")],
    ] {
        let settings = read(&variables).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(settings.location.mount, "secret");
    }
    assert!(read(&[("HCP_VAULT_MOUNT_NAME", "..")]).is_err());
}

#[test]
fn invalid_path_is_rejected() {
    for name in [
        "HCP_VAULT_NAMESPACE",
        "HCP_VAULT_LOGIN_NAMESPACE",
        "HCP_VAULT_SECRET_NAMESPACE",
        "HCP_VAULT_MOUNT_NAME",
        "HCP_VAULT_PATH_PREFIX",
        "HCP_VAULT_APPROLE_MOUNT_PATH",
        "HCP_VAULT_CERT_ROLE",
        "KM_PREFIX_FOR_STORED_VIRTUAL_KEYS",
        "KM_JWT_MOUNT_PATH",
        "KM_KUBERNETES_MOUNT_PATH",
        "KM_USERPASS_MOUNT_PATH",
    ] {
        check_problem(&[(name, "a/../b")], "", &[name, "`a/../b` is not a valid path"]);
    }
}

#[test]
fn all_problems_are_reported_together() {
    let lines = bad(
        &[
            ("HCP_VAULT_ADDR", "http://elsewhere"),
            ("HCP_VAULT_MOUNT_NAME", ".."),
            ("HCP_VAULT_REFRESH_INTERVAL", "-1"),
            ("KM_ACCESS_MODE", "admin"),
            ("KM_FALLBACK", "always"),
            ("KM_TLS_SERVER_NAME", "two names"),
        ],
        "general_settings:\n  key_management_system: aws_kms\n",
    );
    assert_eq!(lines.len(), 7, "{lines:#?}");
}

#[cfg(unix)]
#[test]
fn variable_that_is_not_utf8_is_reported_by_name() {
    let mut variables: std::collections::BTreeMap<String, std::ffi::OsString> =
        env(&[("HCP_VAULT_TOKEN", "t")]).into_iter().map(|(k, v)| (k, v.into())).collect();
    for name in ["HCP_VAULT_MOUNT_NAME", "HCP_VAULT_APPROLE_ROLE_ID", "KM_CA_CERT"] {
        variables.insert(name.to_owned(), not_utf8());
        let problems =
            Settings::from_sources(&Sources { env: &variables, yaml: None, validator: &Strict })
                .unwrap_err();
        variables.remove(name);
        let sources: Vec<_> = problems.iter().map(|problem| problem.source.clone()).collect();
        assert_eq!(sources, [SettingSource::Variable(name.to_owned())]);
    }
}

#[cfg(unix)]
fn not_utf8() -> std::ffi::OsString {
    std::os::unix::ffi::OsStringExt::from_vec(vec![b'a', 0xff])
}

#[test]
fn multi_line_value_is_reported_on_one_line() {
    let lines = bad(&[("KM_FALLBACK", "a\nb\u{2028}c")], "");
    assert_eq!(lines[0].lines().count(), 1, "{lines:?}");
    let long = "x".repeat(1000);
    assert!(bad(&[("KM_FALLBACK", &long)], "")[0].len() < 250);
}

#[test]
fn missing_login_is_reported() {
    let problems = read_all(&env(&[]), "").unwrap_err();
    assert_eq!(
        problems.iter().map(|p| &p.source).collect::<Vec<_>>(),
        [&SettingSource::Environment]
    );
}

/// A validator that rejects every CA bundle.
struct RejectCaCert;

impl Validator for RejectCaCert {
    fn address(&self, text: &str, danger_plaintext: bool) -> Result<(), String> {
        Strict.address(text, danger_plaintext)
    }

    fn path(&self, text: &str) -> Result<(), String> {
        Strict.path(text)
    }

    fn files(&self, server: &Server, _: &Login) -> Vec<FileProblem> {
        let file = server.ca_cert.iter().map(|path| path.display().to_string());
        let (what, hint) = ("contains no certificate".to_owned(), "name another".to_owned());
        file.map(|file| FileProblem { file, message: what.clone(), hint: hint.clone() }).collect()
    }
}

#[test]
fn file_problems_are_reported_with_all_others() {
    let env = env(&[("KM_CA_CERT", "/ca.pem"), ("KM_FALLBACK", "perhaps")]);
    let problems =
        Settings::from_sources(&Sources { env: &env, yaml: None, validator: &RejectCaCert })
            .unwrap_err();
    let sources: Vec<_> = problems.iter().map(|problem| problem.source.to_string()).collect();
    assert_eq!(sources, ["environment", "KM_FALLBACK", "/ca.pem"]);
}
