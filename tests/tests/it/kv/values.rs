//! Values are read and written byte for byte.

use anyhow::Result;
use secrecy::ExposeSecret;
use serde_json::json;
use testkit::secret;
use vault_kv::{Cas, FieldError};

use super::{engine, exposed, fields};
use crate::product::path;

#[tokio::test]
async fn string_is_written_and_read_byte_for_byte() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let mark = secret("value");
    for (name, text) in [
        ("empty", String::new()),
        ("spaces", format!("  {mark}\t ")),
        ("lines", format!("{mark}\r\nsecond\n\nfourth\n")),
        ("quotes", format!("\"{mark}\" '' `` \\ \\n \\\\u0041 {{}} ${{HOME}} %41")),
        ("unicode", format!("{mark} clé cle\u{301} 密钥 🔑 \u{200b}\u{feff}\u{202e}")),
        ("controls", format!("{mark}\u{0}\u{1}\u{1b}[31m\u{7f}\u{85}\u{2028}")),
        ("html", format!("<script>{mark}</script> & &amp;")),
        ("json", json!({ "key": mark }).to_string()),
        ("pem", format!("-----BEGIN KEY-----\n{mark}\n-----END KEY-----\n")),
        ("64 KiB", mark.repeat(64 * 1024 / mark.len() + 1)),
        ("700 KiB", "x".repeat(700 * 1024)),
    ] {
        let ours = path(&format!("ours {name}"))?;
        let new = fields(&[("key", &text), ("", "a field without a name"), ("clé \"\n", "f")]);
        kv.write(&ours, &new, Cas::Any).await?;
        let stored = fixture.get(&format!("ours%20{}", name.replace(' ', "%20"))).await?.1;
        assert_eq!(stored["data"]["data"], exposed(&new)?, "{name}");

        fixture.put("theirs", json!({ "key": text })).await?;
        let read = kv.read(&path("theirs")?).await?;
        assert_eq!(read.fields.text("key")?.expose_secret(), text, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn value_that_is_not_a_string_keeps_its_json() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let mark = secret("value");
    let content = json!({
        "integer": 42,
        "fraction": -1.5,
        "true": true,
        "null": null,
        "list": [1, "a", [], {}],
        "nested": { "key": mark, "deep": { "er": [null, 0.25] } },
        "text": "42",
    });
    fixture.put("name", content.clone()).await?;
    let secret = kv.read(&path("name")?).await?;
    fixture.watch.debug(&secret);
    for (name, value) in &secret.fields {
        assert_eq!(serde_json::to_value(value.expose())?, content[name], "{name}");
        let text = secret.fields.text(name);
        let no_text = Err(FieldError::NotText { field: name.to_owned() });
        assert_eq!(
            text.map(ExposeSecret::expose_secret),
            if name == "text" { Ok("42") } else { no_text }
        );
    }
    assert_eq!(secret.fields.iter().count(), 7);
    let missing = secret.fields.text("Text").err();
    assert_eq!(missing, Some(FieldError::Missing { field: "Text".to_owned() }));

    // A value that is written back is unchanged.
    kv.write(&path("again")?, &secret.fields, Cas::Any).await?;
    assert_eq!(fixture.get("again").await?.1["data"]["data"], content);
    Ok(())
}

#[tokio::test]
async fn secret_without_fields_is_read_and_not_a_miss() -> Result<()> {
    let (fixture, kv) = engine().await?;
    fixture.put("empty", json!({})).await?;
    kv.write(&path("ours")?, &fields(&[]), Cas::Any).await?;
    let place = format!("{}/data/null", fixture.mount);
    let (status, answer) = fixture.server().api("POST", &place, json!({ "data": null })).await?;
    assert_eq!(status, 200, "{answer}");
    for name in ["empty", "ours", "null"] {
        let (status, answer) = fixture.get(name).await?;
        assert_eq!((status, &answer["data"]["metadata"]["version"]), (200, &json!(1)), "{name}");
        let secret = kv.read(&path(name)?).await?;
        assert_eq!((secret.fields.iter().count(), secret.metadata.version), (0, 1), "{name}");
        let expected = FieldError::Missing { field: "key".to_owned() };
        assert_eq!(secret.fields.text("key").err(), Some(expected), "{name}");
    }
    Ok(())
}
