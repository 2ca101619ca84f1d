//! Values and descriptions are the same bytes.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::step::Key::Alias;
use crate::step::Step::{Delete, Rename, Rotate, Store};
use crate::step::{ONE, THREE, TWO, same};
use crate::world::World;

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn value_is_the_same_bytes() -> Result<()> {
    let world = World::new().await?;
    let gateway = world.gateway(json!({}), None)?;
    for value in [
        "",
        "sk-1234",
        "schlüssel 🔑 \u{e9} e\u{301}",
        "\"quoted\" 'twice' \\ back",
        "one line\nanother\r\n",
        " in blanks\t",
        "\0\u{1}\u{7f}\u{2028}\u{feff}",
        "</script>&amp;",
        "true",
        "null",
        "{\"key\":\"json\"}",
        &"z".repeat(64 << 10),
        &"ü".repeat(32 << 10),
    ] {
        let steps = [
            Store(Alias("key"), value),
            Rotate(Alias("key"), "between", None),
            Rotate(Alias("key"), value, None),
            Rename(Alias("key"), "other"),
            Delete(Alias("other")),
        ];
        let what = format!("{:.40}", value.escape_debug().to_string());
        let after = same(&gateway, &steps).await.with_context(|| what.clone())?;
        let stored: Vec<_> = after[0].values().map(|stored| &stored["data"]).collect();
        assert_eq!(stored, [&json!({ "key": value })], "{what}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn description_is_the_same_bytes() -> Result<()> {
    let world = World::new().await?;
    for (description, expected) in [
        (Value::Null, json!({ "key": ONE })),
        (json!(""), json!({ "key": ONE })),
        (json!("of the gateway"), json!({ "key": ONE, "description": "of the gateway" })),
        (json!("\"ü\"\n "), json!({ "key": ONE, "description": "\"ü\"\n " })),
        (json!(" "), json!({ "key": ONE, "description": " " })),
    ] {
        let gateway = world.gateway(json!({ "description": description }), None)?;
        let steps = [
            Store(Alias("key"), ONE),
            // A rotation replaces the description by its own.
            Rotate(Alias("key"), TWO, None),
            Delete(Alias("key")),
            Store(Alias("key"), THREE),
            Rename(Alias("key"), "other"),
            Delete(Alias("other")),
        ];
        let after = same(&gateway, &steps).await.with_context(|| description.to_string())?;
        let data = |step: usize| after[step].values().map(|stored| &stored["data"]).collect();
        let (stored, rotated): (Vec<_>, Vec<_>) = (data(0), data(1));
        assert_eq!(stored, [&expected], "{description}");
        assert_eq!(rotated, [&json!({ "key": TWO, "description": "Rotated from litellm/key" })]);
    }
    Ok(())
}
