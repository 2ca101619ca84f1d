//! The check of a setup, step by step: settings, server, login, mount and capabilities.
//!
//! It writes nothing and reads no secret. [`policy`] returns the policy that the same settings
//! need.

pub(crate) mod capabilities;
mod namespace;
pub(crate) mod policy;
mod required;
pub(crate) mod result;
pub(crate) mod steps;

use self::result::CheckResult;
use crate::inner::Inner;

/// Runs all steps. Skips the steps that depend on a failed one.
pub(crate) async fn run(inner: &Inner) -> Vec<CheckResult> {
    let mut results = steps::settings(&inner.settings);
    let server = steps::server(inner).await;
    let is_reachable = !server.is_failed();
    results.push(server);
    if !is_reachable {
        return results;
    }
    let login = steps::login(inner).await;
    let is_logged_in = !login.is_failed();
    results.push(login);
    if is_logged_in {
        results.push(steps::mount(inner).await);
        results.extend(capabilities::check(inner).await);
    } else {
        results.extend(steps::missing_namespace(inner).await);
    }
    results
}
