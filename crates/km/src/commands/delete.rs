//! `km delete`: the soft deletion of a global secret's latest version.

use km_proxy_adapter::KeyManager;
use serde::Serialize;

use crate::cli::Delete;
use crate::error::Failure;
use crate::io::output;

pub(crate) async fn run(keys: &KeyManager, args: Delete, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Document<'a> {
        path: &'a str,
    }
    let path = keys.delete(&args.name).await?;
    if json {
        return output::json(&Document { path: path.as_str() });
    }
    output::lines([format!("deleted {path}")])
}
