//! The endpoints beside secrets that clients use when they start: health, token and mount.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::Request;
use axum::response::Response;
use http::{Method, StatusCode};

use super::{envelope, namespace};
use crate::commands::serve::app::App;
use crate::commands::serve::http::json;

const HEALTH: &str = "sys/health";
const TOKEN: &str = "auth/token/lookup-self";
const MOUNTS: &str = "sys/internal/ui/mounts/";

/// Handles a request for one of these endpoints, in the configured namespace or one above it.
/// Returns `None` for any other path.
pub(super) fn handle(app: &App, path: &str, request: &Request) -> Option<Response> {
    let (namespace, path) = namespace::split(path, app.namespace());
    let is_get = request.method() == Method::GET;
    let response = match path {
        // hvac sends HEAD. Vault allows it at this endpoint only.
        HEALTH if is_get || request.method() == Method::HEAD => health(),
        TOKEN if is_get => token(),
        HEALTH | TOKEN => envelope::unsupported(),
        _ => {
            let path = path.strip_prefix(MOUNTS)?;
            if is_get { mount(app, namespace, path) } else { envelope::unsupported() }
        }
    };
    Some(response)
}

/// Responds as an initialized and unsealed server.
fn health() -> Response {
    let health = serde_json::json!({
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
    json::response(StatusCode::OK, &health)
}

#[expect(clippy::disallowed_methods, reason = "sent to clients; no decision depends on it")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Responds with the properties of the sidecar's token, which never expires.
fn token() -> Response {
    let token = serde_json::json!({
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

/// Responds with the mount of a path. The command lines of Vault and OpenBao derive their requests
/// from this: paths that are relative to `namespace`.
fn mount(app: &App, namespace: &str, path: &str) -> Response {
    let mount = app.mount.strip_prefix(namespace).unwrap_or(&app.mount);
    let rest = path.trim_end_matches('/').strip_prefix(mount);
    if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return envelope::denied("not the configured mount");
    }
    let mount = serde_json::json!({
        "accessor": "",
        "config": { "default_lease_ttl": 0, "force_no_cache": false, "max_lease_ttl": 0 },
        "description": "",
        "external_entropy_access": false,
        "local": false,
        "options": { "version": "2" },
        "path": format!("{mount}/"),
        "seal_wrap": false,
        "type": "kv",
        "uuid": "",
    });
    envelope::data(StatusCode::OK, mount, "system")
}
