//! Access modes, hosted keys and fallback policies: the source of a name.

use std::collections::BTreeMap;

use anyhow::Result;
use km_proxy_adapter::{Error, ErrorKind, KeyManager, Secret, Source};
use serde_json::json;
use testkit::{Fixture, FixtureSpec, Server, secret};

use super::{keys_before, keys_of, read};
use crate::product::{Silence, environment};

type Expected = Result<Source, ErrorKind>;

const VAULT: Expected = Ok(Source::Vault);
const ENVIRONMENT: Expected = Ok(Source::Environment);
const MISSING: Expected = Err(ErrorKind::NotFound);
const DENIED: Expected = Err(ErrorKind::Denied);
const NO_TEXT: Expected = Err(ErrorKind::StoredValue);

/// The value of a name in Vault. The environment has those that end in `-both` and `env`.
const STORED: [&str; 8] = [
    "vault",
    "vault-both",
    "deleted",
    "deleted-both",
    "denied",
    "denied-both",
    "number",
    "number-both",
];

async fn fixture() -> Result<Fixture> {
    let policy = |mount: &str| {
        format!(
            r#"path "{mount}/*" {{ capabilities = ["read"] }}
            path "{mount}/data/denied*" {{ capabilities = ["deny"] }}"#
        )
    };
    let spec = FixtureSpec { policy: Some(policy), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    for name in STORED {
        let value = if name.starts_with("number") { json!(42) } else { json!(secret("vault")) };
        fixture.put(name, json!({ "key": value })).await?;
        if name.starts_with("deleted") {
            let location = format!("{}/data/{name}", fixture.mount);
            fixture.server().must("DELETE", &location, None).await?;
        }
    }
    Ok(fixture)
}

fn fallback_env() -> BTreeMap<String, String> {
    let names = STORED.iter().filter(|name| name.ends_with("-both")).chain(&["env"]);
    names.map(|name| ((*name).to_owned(), secret("environment"))).collect()
}

/// Reads a name. The value must be that of the source that is returned.
async fn check(
    fixture: &Fixture,
    keys: &KeyManager,
    fallback_env: &BTreeMap<String, String>,
    name: &str,
    expected: Expected,
) -> Result<()> {
    let outcome = read(fixture, keys, name).await;
    let found = outcome.as_ref().map(Secret::source).map_err(Error::kind);
    let settings = keys.settings();
    let (mode, fallback) = (settings.access_mode, settings.fallback);
    assert_eq!(found, expected, "{name}, {mode:?}, {fallback:?}, {:?}", settings.hosted_keys);
    match outcome {
        Ok(secret) if secret.source() == Source::Environment => {
            assert_eq!(Some(secret.expose()), fallback_env.get(name).map(String::as_str));
            assert_eq!((secret.version(), secret.created(), secret.age()), (None, None, None));
        }
        Ok(secret) => {
            let stored = fixture.get(name).await?.1;
            assert_eq!(json!(secret.expose()), stored["data"]["data"]["key"]);
        }
        Err(_) => {}
    }
    Ok(())
}

#[tokio::test]
async fn policy_decides_when_the_environment_answers() -> Result<()> {
    let (fixture, fallback_env) = (fixture().await?, fallback_env());
    for mode in ["read_only", "read_and_write"] {
        for (column, fallback) in ["never", "on_missing", "on_error"].into_iter().enumerate() {
            let settings = [("KM_ACCESS_MODE", mode), ("KM_FALLBACK", fallback)];
            let keys = keys_before(&fixture, &settings, fallback_env.clone()).await?;
            for (name, expected) in [
                ("vault", [VAULT, VAULT, VAULT]),
                ("vault-both", [VAULT, VAULT, VAULT]),
                ("env", [MISSING, ENVIRONMENT, ENVIRONMENT]),
                ("neither", [MISSING, MISSING, MISSING]),
                ("deleted", [MISSING, MISSING, MISSING]),
                ("deleted-both", [MISSING, MISSING, ENVIRONMENT]),
                ("denied", [DENIED, DENIED, DENIED]),
                ("denied-both", [DENIED, DENIED, ENVIRONMENT]),
                ("number", [NO_TEXT, NO_TEXT, NO_TEXT]),
                ("number-both", [NO_TEXT, NO_TEXT, ENVIRONMENT]),
            ] {
                check(&fixture, &keys, &fallback_env, name, expected[column]).await?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn on_missing_is_the_default_policy() -> Result<()> {
    let (fixture, fallback_env) = (fixture().await?, fallback_env());
    let keys = keys_before(&fixture, &[], fallback_env.clone()).await?;
    check(&fixture, &keys, &fallback_env, "env", ENVIRONMENT).await?;
    check(&fixture, &keys, &fallback_env, "deleted-both", MISSING).await
}

#[tokio::test]
async fn only_hosted_keys_are_requested_from_vault() -> Result<()> {
    let (fixture, fallback_env) = (fixture().await?, fallback_env());
    for fallback in ["never", "on_missing", "on_error"] {
        let hosted = "vault,os.environ/number-both, env";
        let settings = [("KM_HOSTED_KEYS", hosted), ("KM_FALLBACK", fallback)];
        let keys = keys_before(&fixture, &settings, fallback_env.clone()).await?;
        let on_error = if fallback == "on_error" { ENVIRONMENT } else { NO_TEXT };
        let on_missing = if fallback == "never" { MISSING } else { ENVIRONMENT };
        for (name, expected) in [
            ("vault", VAULT),
            ("number-both", on_error),
            ("env", on_missing),
            // Names that are not hosted, whatever Vault has.
            ("vault-both", on_missing),
            ("denied-both", on_missing),
            ("denied", MISSING),
            ("neither", MISSING),
        ] {
            check(&fixture, &keys, &fallback_env, name, expected).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn vault_gets_no_request_for_excluded_names() -> Result<()> {
    let (fixture, fallback_env, silence) = (fixture().await?, fallback_env(), Silence::new()?);
    for settings in [
        &[("KM_ACCESS_MODE", "write_only")][..],
        &[("KM_ACCESS_MODE", "write_only"), ("KM_FALLBACK", "never")],
        &[("KM_ACCESS_MODE", "write_only"), ("KM_HOSTED_KEYS", "vault-both,vault")],
        &[("KM_HOSTED_KEYS", "")],
        &[("KM_HOSTED_KEYS", "another")],
        &[("KM_HOSTED_KEYS", "another"), ("KM_FALLBACK", "never")],
    ] {
        let mut env = environment(&fixture);
        env.insert("HCP_VAULT_ADDR".to_owned(), silence.address()?);
        env.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let keys = keys_of(&env, fallback_env.clone()).await?;
        let never = settings.contains(&("KM_FALLBACK", "never"));
        let found = if never { MISSING } else { ENVIRONMENT };
        for (name, expected) in
            [("vault-both", found), ("env", found), ("vault", MISSING), ("neither", MISSING)]
        {
            check(&fixture, &keys, &fallback_env, name, expected).await?;
        }
    }
    silence.expect_nobody()
}
