//! LiteLLM's `config.yaml`, given by option and by variable.

use anyhow::Result;
use serde_json::json;
use testkit::{Km, Server, secret};

use crate::cli::common::{NAME, contains_all, file, km_against};
use crate::cli::listener::Silent;

/// The example of LiteLLM's documentation, with other settings of a proxy around it.
const LITELLM_EXAMPLE: &str = r#"
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      api_key: os.environ/OPENAI_API_KEY
general_settings:
  master_key: sk-PLANTED-master
  key_management_system: "hashicorp_vault"

  # [OPTIONAL SETTINGS]
  key_management_settings:
    store_virtual_keys: true # OPTIONAL. Defaults to False
    prefix_for_stored_virtual_keys: "litellm/" # OPTIONAL.
    access_mode: "read_and_write" # Literal["read_only", "write_only", "read_and_write"]
litellm_settings:
  drop_params: true
"#;

#[tokio::test]
async fn litellm_example_works_by_option_and_by_variable() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (_directory, path) = file(LITELLM_EXAMPLE)?;
    let option = || fixture.km().args(["--config".as_ref(), path.as_os_str()]);
    let variable = || fixture.km().env("KM_CONFIG", &path);
    for km in [&option as &dyn Fn() -> Km, &variable] {
        let value = secret("value");
        km().args(["write", NAME]).stdin(value.as_str()).run().await?.expect(0)?;
        let output = km().args(["read", NAME]).run().await?.expect(0)?;
        assert_eq!((output.text()?, output.stderr.as_str()), (value.as_str(), ""));
        km().args(["check"]).run().await?.expect(0)?;
    }
    // The option takes precedence and is accepted after the command.
    let km = fixture.km().env("KM_CONFIG", "/nonexistent").args(["list", "--config"]);
    km.args([&path]).run().await?.expect(0)?;
    Ok(())
}

#[tokio::test]
async fn store_virtual_keys_without_access_mode_warns_and_allows_writes() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (_directory, path) =
        file("general_settings:\n  key_management_settings:\n    store_virtual_keys: true\n")?;
    let km = fixture.km().env("KM_CONFIG", &path).args(["write", NAME]);
    let output = km.stdin("value").run().await?.expect(0)?;
    contains_all(&output.stderr, &["WARN", "store_virtual_keys", "read_and_write"])
}

#[tokio::test]
async fn environment_overrides_the_file() -> Result<()> {
    let (_directory, path) = file(LITELLM_EXAMPLE)?;
    let silent = Silent::new()?;
    let km =
        km_against(&silent.address()).env("KM_CONFIG", &path).env("KM_STORE_VIRTUAL_KEYS", "false");
    let km = km.env("KM_ACCESS_MODE", "read_only").args(["write", NAME]).stdin("value");
    km.run().await?.expect(5)?;
    assert_eq!(silent.connections()?, 0);
    Ok(())
}

#[tokio::test]
async fn settings_below_km_are_applied() -> Result<()> {
    let (_directory, path) = file(
        "general_settings:\n  key_management_settings:\n    hosted_keys: [OTHER]\n    \
         description: of the file\n    km:\n      fallback: never\n      deadline: 300ms\n",
    )?;
    let silent = Silent::new()?;
    let km = |name| km_against(&silent.address()).env("KM_CONFIG", &path).args(["read", name]);
    km(NAME).env(NAME, "v").run().await?.expect(6)?;
    assert_eq!(silent.connections()?, 0, "a request was sent for a name that is not hosted");
    let started = tokio::time::Instant::now();
    km("OTHER").env("OTHER", "v").run().await?.expect(4)?;
    assert!(
        started.elapsed().as_secs() < 4,
        "the deadline of the file was ignored: {:?}",
        started.elapsed()
    );
    Ok(())
}

#[tokio::test]
async fn description_of_the_file_is_stored() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (_directory, path) = file(
        "general_settings:\n  key_management_settings:\n    access_mode: write_only\n    \
         description: of the file\n",
    )?;
    let km = fixture.km().env("KM_CONFIG", &path).args(["write", NAME]).stdin("value");
    km.run().await?.expect(0)?;
    let stored = json!({ "key": "value", "description": "of the file" });
    assert_eq!(fixture.get(NAME).await?.1["data"]["data"], stored);
    Ok(())
}

#[tokio::test]
async fn unknown_keys_are_warned_about_and_ignored() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put(NAME, json!({ "key": "value" })).await?;
    let (_directory, path) = file(
        "general_settings:\n  key_management_settings:\n    acess_mode: read_only\n    \
         tags: {team: a}\n    kms_key_id: x\n    km:\n      falback: never\n",
    )?;
    let km = fixture.km().env("KM_CONFIG", &path).args(["read", NAME]);
    let output = km.run().await?.expect(0)?;
    assert_eq!(output.text()?, "value");
    contains_all(
        &output.stderr,
        &["WARN", "acess_mode", "`access_mode`", "falback", "`fallback`"],
    )?;
    contains_all(&output.stderr, &["tags", "kms_key_id", ":3"])
}

#[tokio::test]
async fn setting_may_reference_a_variable() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (_directory, path) = file(
        "general_settings:\n  key_management_system: os.environ/SYSTEM\n  \
         key_management_settings:\n    access_mode: os.environ/MODE\n",
    )?;
    let km = |system: &str, mode: &str| {
        let km = fixture.km().env("KM_CONFIG", &path).env("SYSTEM", system).env("MODE", mode);
        km.args(["write", NAME]).stdin("value")
    };
    km("hashicorp_vault", "read_and_write").run().await?.expect(0)?;
    km("hashicorp_vault", "read_only").run().await?.expect(5)?;
    // The variable that a reference names may hold a secret, so its value is not printed.
    for km in [km("PLANTED-system", "read_only"), km("hashicorp_vault", "PLANTED-mode")] {
        km.run().await?.expect(2)?;
    }
    let km = fixture.km().env("KM_CONFIG", &path).args(["list"]);
    contains_all(&km.run().await?.expect(2)?.stderr, &["SYSTEM", "MODE", "not set"])
}

#[tokio::test]
async fn file_without_key_management_settings_changes_nothing() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for text in
        ["", "# nothing\n", "model_list: []\n", "general_settings:\n", "general_settings: {}\n"]
    {
        let (_directory, path) = file(text)?;
        let output = fixture.km().env("KM_CONFIG", &path).args(["list"]).run().await?.expect(0)?;
        assert_eq!(output.stderr, "", "{text:?}");
    }
    fixture.km().env("KM_CONFIG", "").args(["list"]).run().await?.expect(0).map(drop)
}
