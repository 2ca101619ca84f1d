//! Which names the process environment may provide.

use km_settings::VaultOutcome::{Failed, LocationMissing, NotFound, NotQueried};
use km_settings::{EnvironmentScope, Fallback, SETTINGS, Settings, is_reserved};

use crate::common::{good, management};

const OUTCOMES: [km_settings::VaultOutcome; 4] = [NotQueried, NotFound, Failed, LocationMissing];

/// Asserts after which outcomes the environment may provide `name`.
fn check(settings: &Settings, name: &str, expected: &[km_settings::VaultOutcome]) {
    let may = OUTCOMES.into_iter().filter(|vault| settings.environment_may_provide(name, *vault));
    assert_eq!(may.collect::<Vec<_>>(), expected, "{name:?}, {:?}", settings.fallback);
}

#[test]
fn policy_applies_to_names_that_are_not_read_from_vault() {
    for (variables, expected) in [
        (&[][..], &[NotQueried, NotFound][..]),
        (&[("KM_FALLBACK", "never")], &[]),
        (&[("KM_FALLBACK", "on_missing")], &[NotQueried, NotFound]),
        (&[("KM_FALLBACK", "on_error")], &[NotQueried, NotFound, Failed]),
        (&[("KM_FALLBACK", "never"), ("KM_HOSTED_KEYS", "OTHER")], &[]),
        (&[("KM_FALLBACK", "never"), ("KM_ACCESS_MODE", "write_only")], &[]),
    ] {
        check(&good(variables, ""), "OPENAI_API_KEY", expected);
    }
}

#[test]
fn reserved_name_is_never_provided() {
    let settings = good(&[("KM_FALLBACK", "on_error")], "");
    let spelled = |name: &str| [name.to_owned(), name.to_ascii_lowercase(), capitalized(name)];
    let names = SETTINGS.iter().map(|setting| setting.name).chain([
        "HCP_VAULT_TOKEN",
        "HCP_VAULT_MADE_UP",
        "HCP_VAULT_",
        "KM_CONFIG",
        "KM_SERVE_TOKEN_FILE",
        "KM_MADE_UP",
        "VAULT_TOKEN",
        "VAULT_ADDR",
        "VAULT_WRAP_TTL",
        "BAO_TOKEN",
        "BAO_ADDR",
        "SSL_CERT_FILE",
        "SECRET_MANAGER_REFRESH_INTERVAL",
        "HCP_VAULT_TOKEN=hvs.",
    ]);
    for name in names.flat_map(spelled) {
        assert!(is_reserved(&name), "{name}");
        check(&settings, &name, &[]);
    }
    for name in ["OPENAI_API_KEY", "VAULTED", "MY_KM_KEY", "KMS_KEY", "SSL_CERT_FILES", "\u{e9}"] {
        assert!(!is_reserved(name), "{name}");
        check(&settings, name, &[NotQueried, NotFound, Failed]);
    }
}

fn capitalized(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{first}{}", rest.to_ascii_lowercase())
}

/// `getenv("A=b")` finds `A=b=c` in the C library.
#[test]
fn name_that_no_variable_can_have_is_never_provided() {
    let settings = good(&[("KM_FALLBACK", "on_error")], "");
    for name in ["", "DATABASE_URL=", "DATABASE_URL=postgres://u:p", "A\0B"] {
        check(&settings, name, &[]);
    }
}

#[test]
fn server_provides_referenced_names_only_if_fallback_is_explicit() {
    let file = |lines: &[&str]| format!("{}model: os.environ/REFERENCED\n", management(lines));
    for (variables, line, expected) in [
        (&[][..], "km:", &[][..]),
        (&[("KM_FALLBACK", "on_missing")], "km:", &[NotQueried, NotFound]),
        (&[("KM_FALLBACK", "on_error")], "km:", &[NotQueried, NotFound, Failed]),
        (&[("KM_FALLBACK", "never")], "km:", &[]),
        (&[], "km: {fallback: on_missing}", &[NotQueried, NotFound]),
        (&[], "km: {fallback: on_error}", &[NotQueried, NotFound, Failed]),
        (&[("KM_FALLBACK", "")], "km:", &[]),
    ] {
        let settings = good(variables, &file(&[line])).for_server();
        assert_eq!(settings.environment_scope, EnvironmentScope::ReferencedNames);
        check(&settings, "REFERENCED", expected);
        for name in ["PATH", "LITELLM_MASTER_KEY", "referenced", "HCP_VAULT_TOKEN"] {
            check(&settings, name, &[]);
        }
    }
}

#[test]
fn referenced_reserved_name_is_not_provided_by_a_server() {
    let file = "keys: [os.environ/HCP_VAULT_TOKEN, os.environ/km_token_file]\n";
    let settings = good(&[("KM_FALLBACK", "on_error")], file).for_server();
    check(&settings, "HCP_VAULT_TOKEN", &[]);
    check(&settings, "km_token_file", &[]);
}

#[test]
fn default_fallback_is_not_explicit() {
    let unset = good(&[], "");
    assert_eq!((unset.fallback, unset.fallback_is_explicit), (Fallback::OnMissing, false));
    assert_eq!(unset.for_server().fallback, Fallback::Never);
    assert!(good(&[("KM_FALLBACK", "on_missing")], "").fallback_is_explicit);
}
