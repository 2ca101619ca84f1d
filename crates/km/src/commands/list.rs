//! `km list`: the names of global secrets.

use km_proxy_adapter::KeyManager;
use serde::Serialize;

use crate::args::List;
use crate::failure::Failure;
use crate::output;

pub(crate) async fn run(keys: &KeyManager, args: List, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Document {
        names: Vec<String>,
    }
    let names = keys.list(args.prefix.as_deref()).await?;
    if json {
        return output::json(&Document { names });
    }
    output::lines(names)
}
