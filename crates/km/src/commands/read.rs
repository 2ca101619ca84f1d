//! `km read`: prints a provider secret, read through the same code path as in a gateway.

use km_proxy_adapter::{ErrorKind, KeyManager, ReadOptions, Secret, SecretLocation};
use serde::Serialize;

use super::source::found_in;
use crate::cli::ReadArgs;
use crate::error::Failure;
use crate::io::{escape, output, stderr};

pub(crate) async fn run(keys: &KeyManager, args: ReadArgs, json: bool) -> Result<(), Failure> {
    let options = ReadOptions { field: args.field, version: args.version };
    let secret = keys.secret_with(&args.name, &options).await?;
    if args.explain {
        explain(keys, &args.name, options.field, &secret, json)?;
    }
    let value =
        if args.bool { boolean(&args.name, &secret)? } else { Value::Text(secret.expose()) };
    if json {
        return output::secret_json(&Document {
            name: km_proxy_adapter::parse_reference(&args.name)?,
            value,
            version: secret.version(),
            source: secret.source().as_str(),
            age_seconds: secret.age().map(|age| age.as_secs()),
        });
    }
    output::value(match value {
        Value::Text(text) => text,
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
    })
}

/// The value of a secret or of a key with `--json`.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    pub(super) name: &'a str,
    pub(super) value: Value<'a>,
    pub(super) version: Option<u64>,
    pub(super) source: &'static str,
    pub(super) age_seconds: Option<u64>,
}

/// A value, as text or with `--bool`.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Bool(bool),
}

fn boolean(name: &str, secret: &Secret) -> Result<Value<'static>, Failure> {
    secret.as_bool().map(Value::Bool).ok_or_else(|| {
        let what = format!("read {name}: the value is neither true nor false");
        Failure::new(
            ErrorKind::StoredValue,
            what,
            "store `true` or `false`, or read it without --bool",
        )
    })
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

fn explain(
    keys: &KeyManager,
    name: &str,
    field: Option<String>,
    secret: &Secret,
    json: bool,
) -> Result<(), Failure> {
    let (path, field) = match keys.locate(name)? {
        SecretLocation::Vault { path, field: default } => {
            (Some(format!("/v1/{path}")), Some(field.unwrap_or(default)))
        }
        SecretLocation::Environment => (None, None),
    };
    let explanation = Explanation {
        source: found_in(secret.source()),
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
