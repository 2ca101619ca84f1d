//! What ordinary clients ask before they ask for secrets.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::Request;
use axum::response::Response;
use http::{Method, StatusCode};
use serde_json::json;

use super::{envelope, full, namespace};
use crate::commands::serve::app::App;
use crate::commands::serve::http::json as reply;

const HEALTH: &str = "sys/health";
const TOKEN: &str = "auth/token/lookup-self";
const MOUNTS: &str = "sys/internal/ui/mounts/";

/// The answer, where the path is one of those.
pub(super) fn answer(app: &App, path: &str, request: &Request) -> Option<Response> {
    let is_get = request.method() == Method::GET;
    let answer = match path {
        // hvac asks by HEAD. Vault takes that here, and at none of the others.
        HEALTH if is_get || request.method() == Method::HEAD => health(),
        TOKEN if is_get => token(),
        HEALTH | TOKEN => envelope::unsupported(),
        _ => {
            let wanted = path.strip_prefix(MOUNTS)?;
            if is_get { mount(app, wanted, request) } else { envelope::unsupported() }
        }
    };
    Some(answer)
}

/// This process is there, and nobody has to unseal it.
fn health() -> Response {
    let health = json!({
        "initialized": true,
        "sealed": false,
        "standby": false,
        "performance_standby": false,
        "replication_performance_mode": "disabled",
        "replication_dr_mode": "disabled",
        "server_time_utc": now(),
        "version": concat!("km-", env!("CARGO_PKG_VERSION")),
        "cluster_name": "km",
        "cluster_id": "",
    });
    reply::json(StatusCode::OK, &health)
}

#[expect(clippy::disallowed_methods, reason = "told to clients; nothing here counts on it")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The local token: it has no end, and no rights but those of this process.
fn token() -> Response {
    let token = json!({
        "accessor": "",
        "creation_time": 0,
        "creation_ttl": 0,
        "display_name": "km",
        "entity_id": "",
        "expire_time": null,
        "explicit_max_ttl": 0,
        "id": "",
        "meta": null,
        "num_uses": 0,
        "orphan": true,
        "path": "km/serve",
        "policies": ["km"],
        "renewable": false,
        "ttl": 0,
        "type": "service",
    });
    envelope::data(StatusCode::OK, token, "token")
}

/// What is mounted at the head of a path: the Vault CLI makes its requests from this.
fn mount(app: &App, wanted: &str, request: &Request) -> Response {
    let full = full(wanted.trim_end_matches('/'), request.headers());
    let rest = full.strip_prefix(&app.mount);
    if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return envelope::denied("this is not the configured location");
    }
    // The client puts the namespace ahead again.
    let namespace = namespace(request.headers()).map(|namespace| format!("{namespace}/"));
    let path = namespace.and_then(|namespace| app.mount.strip_prefix(&namespace));
    let mount = json!({
        "accessor": "",
        "config": { "default_lease_ttl": 0, "force_no_cache": false, "max_lease_ttl": 0 },
        "description": "",
        "external_entropy_access": false,
        "local": false,
        "options": { "version": "2" },
        "path": format!("{}/", path.unwrap_or(&app.mount)),
        "seal_wrap": false,
        "type": "kv",
        "uuid": "",
    });
    envelope::data(StatusCode::OK, mount, "system")
}
