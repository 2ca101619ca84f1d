//! Response wrapping.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use testkit::secret;
use vault_http::{ErrorKind, Request};

use super::Engine;

#[tokio::test]
async fn wrapped_response_is_unwrapped_once() -> Result<()> {
    let kv = Engine::mount("kv").await?;
    let value = secret("value");
    kv.put("name", &json!({ "key": value })).await?;
    let ttl = Duration::from_secs(90);
    let wrapped = kv.send(Request::get(kv.at("name")?).wrap_ttl(ttl)).await?;
    assert!(
        wrapped.data::<BTreeMap<String, Value>>().is_err(),
        "the response has only the wrapping token"
    );
    let info = wrapped.wrap_info()?.context("a wrapping token")?;
    assert_eq!((info.ttl, info.creation_path.clone()), (ttl, format!("{}/name", kv.mount)));
    assert!(!format!("{info:?}").contains(info.token.expose()), "{info:?}");

    let client = kv.session.client();
    let unwrap =
        async || client.send(&Request::unwrap_token(), Some(&info.token), client.deadline()).await;
    let unwrapped = unwrap().await?;
    assert!(unwrapped.wrap_info()?.is_none());
    assert_eq!(unwrapped.data::<Value>()?["key"], value);
    let error = unwrap().await.expect_err("a token that was unwrapped");
    kv.watch.error(&error);
    assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    assert_eq!(error.vault_messages(), ["wrapping token is not valid or does not exist"]);
    kv.unmount().await
}
