//! `km read`: a provider secret, through the same code as a gateway.

use km_proxy_adapter::{ErrorKind, KeyManager, Secret, SecretLocation, Source};
use serde::Serialize;

use crate::cli::Read;
use crate::error::Failure;
use crate::io::{escape, log, output};

pub(crate) async fn run(keys: &KeyManager, args: Read, json: bool) -> Result<(), Failure> {
    let secret = keys.secret(&args.name).await?;
    if args.explain {
        explain(keys, &args.name, &secret, json)?;
    }
    if !args.bool {
        return output::value(secret.expose());
    }
    let truth = secret.as_bool().ok_or_else(|| {
        let what = format!("read {}: the value is neither true nor false", args.name);
        Failure::new(
            ErrorKind::StoredValue,
            what,
            "store `true` or `false`, or read it without --bool",
        )
    })?;
    output::value(if truth { "true" } else { "false" })
}

#[derive(Serialize)]
struct Explained {
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_seconds: Option<u64>,
}

fn explain(keys: &KeyManager, name: &str, secret: &Secret, json: bool) -> Result<(), Failure> {
    let (path, field) = match keys.locate(name)? {
        SecretLocation::Vault { path, field } => (Some(format!("/v1/{path}")), Some(field)),
        SecretLocation::Environment => (None, None),
    };
    let explained = Explained {
        source: match secret.source() {
            Source::Vault | Source::Cache | Source::Stale => "vault",
            Source::Environment => "environment",
        },
        path,
        field,
        version: secret.version(),
        created: secret.created().map(str::to_owned),
        age_seconds: secret.age().map(|age| age.as_secs()),
    };
    let text = if json {
        let document = serde_json::to_string(&explained).unwrap_or_default();
        escape::json(&document).into_owned() + "\n"
    } else {
        lines(&explained)
    };
    // What was asked for is the value: it is not held back because this can't be told.
    log::write(&text);
    Ok(())
}

fn lines(explained: &Explained) -> String {
    let known = [
        ("source", Some(explained.source.to_owned())),
        ("path", explained.path.clone()),
        ("field", explained.field.clone()),
        ("version", explained.version.map(|version| version.to_string())),
        ("created", explained.created.clone()),
        ("age", explained.age_seconds.map(|seconds| format!("{seconds} s"))),
    ];
    let line = |(name, value): (&str, Option<String>)| {
        Some(format!("{name}: {}\n", escape::text(&value?)))
    };
    known.into_iter().filter_map(line).collect()
}
