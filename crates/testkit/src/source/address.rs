//! A server that is running already.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::flavor::{Flavor, Release};
use crate::raw::Raw;

/// Asks a server for its flavor and its version. `sys/health` has the same fields on both; the title
/// of the API's description names the product.
pub(crate) async fn release(address: &str, token: &str) -> Result<Release> {
    let path = "sys/internal/specs/openapi";
    let (status, api) = Raw::new(address)?.call("GET", path, Some(token), None).await?;
    ensure!(status == 200, "{path}: {status}: KM_TEST_VAULT_TOKEN must be a root token");
    parse(&api).with_context(|| format!("{address} is neither Vault nor OpenBao"))
}

fn parse(api: &Value) -> Option<Release> {
    let text = |path: &str| api.pointer(path).and_then(Value::as_str);
    let flavor = match text("/info/title")? {
        title if title.contains("OpenBao") => Flavor::OpenBao,
        title if title.contains("Vault") => Flavor::Vault,
        _ => return None,
    };
    Some(Release { flavor, version: format!("v{}", text("/info/version")?) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn title_of_the_api_names_the_flavor() {
        for (title, expected) in [
            ("HashiCorp Vault API", Some("Vault v2.7.2")),
            ("OpenBao API", Some("OpenBao v2.7.2")),
            ("Consul", None),
        ] {
            let api = json!({ "info": { "title": title, "version": "2.7.2" } });
            assert_eq!(parse(&api).map(|release| release.to_string()).as_deref(), expected);
        }
    }
}
