//! `km write`: writes the value of a global secret, or with `--replace` the whole secret.

use km_proxy_adapter::{KeyManager, WriteOptions};
use serde::Serialize;

use crate::cli::WriteArgs;
use crate::error::Failure;
use crate::io::{input, output};

pub(crate) async fn run(keys: &KeyManager, args: WriteArgs, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Document<'a> {
        path: &'a str,
        version: u64,
    }
    let value = input::value(&args.value, &args.name, json).await?;
    let options = WriteOptions { description: args.description, cas: args.cas };
    let written = if args.replace {
        keys.write(&args.name, value, &options).await?
    } else {
        keys.write_field(&args.name, value, &options).await?
    };
    if json {
        return output::json(&Document { path: written.path.as_str(), version: written.version });
    }
    output::lines([format!("stored {} version {}", written.path, written.version)])
}
