//! Names with any characters, at any depth.

use std::collections::BTreeMap;

use anyhow::Result;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use testkit::{Fixture, encoded, secret};
use vault_kv::{Cas, ListEntry, SecretPath};

use super::{engine, fields};
use crate::product::path;

const NAMES: &[&str] = &[
    "OPENAI_API_KEY",
    // Names that must stay different: case, composed and decomposed Unicode, encoded and plain.
    "openai_api_key",
    "cl\u{e9}",
    "cle\u{301}",
    "a b",
    "a%20b",
    "a+b",
    "a%2Fb",
    "a%252Fb",
    "a%2fb",
    // Characters with a meaning in a URL.
    "what?version=1",
    "what",
    "a#b",
    "a;b=c",
    "a&b",
    "a=b",
    "a:b@c",
    "100%",
    "%",
    "%zz",
    "back\\slash",
    "\"quoted\" 'text'",
    "<a>{b}[c]|^`~",
    "*",
    "$(id)",
    "...",
    "%252e%252e",
    "..a",
    "a..",
    ".hidden",
    "~",
    "-rf",
    " space at both ends ",
    "\u{5bc6}\u{94a5} \u{43a}\u{43b}\u{44e}\u{447} \u{1f511}",
    "data",
    "metadata",
    "undelete",
];

/// Returns the value of a name, read by a client with its own encoding.
async fn stored(fixture: &Fixture, name: &str) -> Result<Value> {
    let (status, answer) = fixture.get(&encoded(name)).await?;
    assert_eq!(status, 200, "{name:?}");
    Ok(answer["data"]["data"]["key"].clone())
}

#[tokio::test]
async fn name_with_any_characters_is_stored_and_listed_unchanged() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let (longest, wide) = ("n".repeat(512), "\u{e9}".repeat(256));
    let names = NAMES.iter().copied().chain([longest.as_str(), wide.as_str()]);
    let mut values = BTreeMap::new();
    for name in names {
        let value = secret("value");
        let written = kv.write(&path(name)?, &fields(&[("key", &value)]), Cas::Version(0)).await?;
        assert_eq!(written.version, 1, "{name:?}");
        values.insert(name, value);
    }
    for (name, value) in &values {
        assert_eq!(stored(&fixture, name).await?, json!(value), "{name:?}");
        let found = kv.read(&path(name)?).await?;
        assert_eq!(found.fields.text("key")?.expose_secret(), value, "{name:?}");
    }
    let place = format!("{}/metadata", fixture.mount);
    let listed = fixture.server().must("LIST", &place, None).await?;
    let mut listed: Vec<String> = serde_json::from_value(listed["data"]["keys"].clone())?;
    let mut found: Vec<_> = kv.list(None).await?.iter().map(ToString::to_string).collect();
    listed.sort();
    found.sort();
    let expected: Vec<_> = values.into_keys().map(str::to_owned).collect();
    assert_eq!(listed, expected);
    assert_eq!(found, expected);
    Ok(())
}

#[tokio::test]
async fn folder_with_any_characters_is_used_unchanged_at_every_depth() -> Result<()> {
    let (fixture, kv) = engine().await?;
    for name in ["a b/c?d/e#f", "%2e/x", "\u{e9}/...", "a/b/c/d/e/f/g/h", "x/%2F/y"] {
        let Ok(place) = SecretPath::new(name) else {
            assert_eq!(name, "%2e/x", "only a dot segment is rejected");
            continue;
        };
        let value = secret("value");
        kv.write(&place, &fields(&[("key", &value)]), Cas::Version(0)).await?;
        let plain: Vec<_> = name.split('/').map(encoded).collect();
        let answer = fixture.get(&plain.join("/")).await?.1;
        assert_eq!(answer["data"]["data"]["key"], json!(value), "{name:?}");
        let (folder, last) = name.rsplit_once('/').unwrap_or_default();
        let listed = kv.list(Some(&path(folder)?)).await?;
        assert_eq!(listed, [ListEntry::new(last)], "{name:?}");
        assert_eq!(kv.metadata(&place).await?.current_version, 1);
        kv.delete_latest(&place).await?;
        kv.undelete(&place, &[1]).await?;
        kv.delete_metadata(&place).await?;
        assert_eq!(fixture.get(&plain.join("/")).await?.0, 404);
    }
    Ok(())
}
