//! The check of a setup, step by step: settings, server, login, mount and capabilities.
//!
//! It writes nothing and reads no secret; [`secrets`] reads them. [`policy`] returns the policy that
//! the same settings need.

pub(crate) mod capabilities;
mod namespace;
pub(crate) mod policy;
mod required;
pub(crate) mod result;
pub(crate) mod secrets;
pub(crate) mod steps;

use self::result::{CheckResult, LOGIN, MOUNT, SERVER};
use crate::inner::Inner;

/// Runs all steps. Those that depend on a failed one are skipped.
pub(crate) async fn run(inner: &Inner) -> Vec<CheckResult> {
    let mut results = steps::settings(&inner.settings);
    let server = steps::server(inner).await;
    let is_reachable = server.error().is_none();
    results.push(server);
    if !is_reachable {
        results.extend(CheckResult::skipped_after(SERVER));
        return results;
    }
    let login = steps::login(inner).await;
    let is_logged_in = login.error().is_none();
    results.push(login);
    if is_logged_in {
        results.push(steps::mount(inner).await);
        results.extend(capabilities::check(inner).await);
    } else {
        let missing_namespace = steps::missing_namespace(inner).await;
        let last = if missing_namespace.is_some() { MOUNT } else { LOGIN };
        results.extend(missing_namespace.into_iter().chain(CheckResult::skipped_after(last)));
    }
    results
}
