//! References in included files, and in files with many aliases.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::json;
use testkit::Server;

use super::print_variables;

#[tokio::test]
async fn references_of_included_files_are_resolved() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for name in ["IN_ROOT", "IN_MODELS", "IN_NESTED"] {
        fixture.put(name, json!({ "key": format!("value of {name}") })).await?;
    }
    let directory = tempfile::tempdir()?;
    std::fs::create_dir(directory.path().join("models"))?;
    let root = "include: [models/a.yaml]\nmodel_list: [{k: os.environ/IN_ROOT}]\n\
                litellm_settings: {x: os.environ/REPLACED}\n";
    let included = "include: [b.yaml]\nmodel_list: [{k: os.environ/IN_MODELS}]\n\
                    litellm_settings: {}\n";
    for (file, text) in [
        ("config.yaml", root),
        ("models/a.yaml", included),
        ("models/b.yaml", "model_list: [{k: os.environ/IN_NESTED}]\n"),
    ] {
        std::fs::write(directory.path().join(file), text)?;
    }
    let km = fixture.km().env("KM_CONFIG", directory.path().join("config.yaml")).args(["exec"]);
    let names = ["IN_ROOT", "IN_MODELS", "IN_NESTED", "REPLACED"];
    let output = km.args(print_variables(&names)).run().await?.expect(0)?;
    let expected = "value of IN_ROOT\nvalue of IN_MODELS\nvalue of IN_NESTED\n\n";
    assert_eq!((output.text()?, output.stderr.as_str()), (expected, ""));
    Ok(())
}

#[tokio::test]
async fn many_models_with_a_merge_key_are_resolved() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("HOT", json!({ "key": "value" })).await?;
    let mut text = "defaults: &d {api_key: os.environ/HOT}\nmodel_list:\n".to_owned();
    for model in 0..150 {
        writeln!(text, "- model_name: m{model}\n  litellm_params:\n    <<: *d\n    model: x")?;
    }
    let (_directory, config) = crate::cli::common::file(text)?;
    let km = fixture.km().env("KM_CONFIG", config).args(["exec"]);
    let output = km.args(print_variables(&["HOT"])).run().await?.expect(0)?;
    assert_eq!((output.text()?, output.stderr.as_str()), ("value\n", ""));
    Ok(())
}
