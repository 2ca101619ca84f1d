//! `km read`: prints a provider secret, read through the same code path as in a gateway.

use km_proxy_adapter::{ErrorKind, KeyManager, Secret, SecretLocation, Source};
use serde::Serialize;

use crate::cli::ReadArgs;
use crate::error::Failure;
use crate::io::{escape, output, stderr};

pub(crate) async fn run(keys: &KeyManager, args: ReadArgs, json: bool) -> Result<(), Failure> {
    let secret = keys.secret(&args.name).await?;
    if args.explain {
        explain(keys, &args.name, &secret, json)?;
    }
    if !args.bool {
        return output::value(secret.expose());
    }
    let value = secret.as_bool().ok_or_else(|| {
        let what = format!("read {}: the value is neither true nor false", args.name);
        Failure::new(
            ErrorKind::StoredValue,
            what,
            "store `true` or `false`, or read it without --bool",
        )
    })?;
    output::value(if value { "true" } else { "false" })
}

#[derive(Serialize)]
struct Explanation {
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
    let explanation = Explanation {
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
        let document = serde_json::to_string(&explanation).unwrap_or_default();
        escape::json(&document).into_owned() + "\n"
    } else {
        lines(&explanation)
    };
    // A closed stderr does not keep the value from being printed.
    stderr::write(&text);
    Ok(())
}

fn lines(explanation: &Explanation) -> String {
    let fields = [
        ("source", Some(explanation.source.to_owned())),
        ("path", explanation.path.clone()),
        ("field", explanation.field.clone()),
        ("version", explanation.version.map(|version| version.to_string())),
        ("created", explanation.created.clone()),
        ("age", explanation.age_seconds.map(|seconds| format!("{seconds} s"))),
    ];
    let line = |(name, value): (&str, Option<String>)| {
        Some(format!("{name}: {}\n", escape::text(&value?)))
    };
    fields.into_iter().filter_map(line).collect()
}
