//! `.env` files, with the python-dotenv that LiteLLM depends on.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};
use testkit::{Km, LiteLlm};
use tokio::process::Command;

use crate::world::World;

const READ: &str = "import dotenv, json, sys; print(json.dumps(dotenv.dotenv_values(sys.argv[1])))";

/// Returns the variables of a file as python-dotenv reads them.
async fn python_dotenv(path: &Path) -> Result<Map<String, Value>> {
    let output = Command::new(LiteLlm::python()?).args(["-c", READ]).arg(path).output().await?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    serde_json::from_slice(&output.stdout).context("no JSON object")
}

fn km(world: &World) -> Km {
    let km = Km::new().env("KM_ACCESS_MODE", "read_and_write");
    world.env.iter().fold(km, |km, (name, value)| km.env(name, value))
}

/// The names of the values in their order.
fn name(at: usize) -> String {
    format!("NAME_{at}")
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn exported_file_is_read_unchanged() -> Result<()> {
    let world = World::new().await?;
    let values = [
        "plain",
        "",
        " blanks # not a comment ",
        "it's",
        "\"double\"",
        "back\\slash \\n \\\\ \\'",
        "it's $HOME `x` \\ $",
        "one\ntwo\n",
        "one\r\ntwo\rthree",
        "clé 🔑 \u{85}\u{2028}\u{a0}",
        "\t\u{b}\u{c}\u{7f}",
        "'\n'",
        "a=b",
    ];
    let mut expected = Map::new();
    for (at, value) in values.into_iter().enumerate() {
        let km = km(&world).args(["write", &name(at), "--raw", "--allow-empty"]).stdin(value);
        km.run().await?.expect(0)?;
        expected.insert(name(at), json!(value));
    }
    let only = (0..values.len()).map(|at| format!("--only={}", name(at)));
    let output = km(&world).args(["export"]).args(only).run().await?.expect(0)?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("exported.env");
    std::fs::write(&path, output.stdout)?;
    assert_eq!(python_dotenv(&path).await?, expected);
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn imported_values_are_those_that_python_dotenv_reads() -> Result<()> {
    let world = World::new().await?;
    let text = concat!(
        "\u{feff}# comment\nA=plain\n  export B = a b # comment\r\nC=a#b\nD='#'#c\nE=\"a\\nb\\x\\\"\"\n",
        "F='a\\nb\\'c\\\\d'\nG=pa$$word\nH=it's \"x\"\nI=\"one\r\ntwo\"\nJ='three\nfour' # c\n",
        "K=a=b==\nexport=L\nM=\\n\\'\n\tN=\"\\a\\b\\f\\r\\t\\v\\'\"\n",
    );
    let directory = tempfile::tempdir()?;
    let path = directory.path().join(".env");
    std::fs::write(&path, text)?;
    let expected = python_dotenv(&path).await?;
    assert_eq!(expected.len(), 14);
    km(&world).args(["import"]).args([&path]).run().await?.expect(0)?;
    let only = expected.keys().map(|name| format!("--only={name}"));
    let output = km(&world).args(["export", "--json"]).args(only).run().await?.expect(0)?;
    assert_eq!(serde_json::from_slice::<Map<String, Value>>(&output.stdout)?, expected);
    Ok(())
}
