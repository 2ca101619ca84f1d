//! `km delete`: soft-deletes the latest version of a global secret.

use km_proxy_adapter::KeyManager;
use serde::Serialize;

use crate::cli::DeleteArgs;
use crate::error::Failure;
use crate::io::output;

pub(crate) async fn run(keys: &KeyManager, args: DeleteArgs, json: bool) -> Result<(), Failure> {
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
