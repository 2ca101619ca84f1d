//! The step that compares the token's capabilities with those that the settings require.

use std::collections::BTreeMap;

use serde::Serialize;
use vault_http::{ApiPath, ErrorKind as Http, Request};

use super::namespace::{policy_namespaces, relative};
use super::required::required_capabilities;
use super::result::CheckResult;
use crate::error::{Error, ErrorKind, convert};
use crate::inner::Inner;

const CAPABILITIES_SELF: ApiPath = ApiPath::from_static("sys/capabilities-self");

/// The name of the step.
const STEP: &str = "rights";

/// Checks the token's capabilities on each path that the settings require.
pub(super) async fn check(inner: &Inner) -> Vec<CheckResult> {
    let required = match required_by_path(inner) {
        Ok(required) => required,
        Err(error) => return vec![CheckResult::failed(STEP, error)],
    };
    if required.is_empty() {
        return vec![CheckResult::ok(STEP, "no capabilities are required by these settings")];
    }
    let granted = match granted_by_path(inner, required.keys().collect()).await {
        Ok(granted) => granted,
        Err(error) if error.kind() == Http::Denied => {
            return vec![CheckResult::warning(
                STEP,
                "the token may not read its own capabilities",
                "give it the policy `default`, or allow `update` on sys/capabilities-self",
            )];
        }
        Err(error) => {
            let error = convert::http("read the token's capabilities", error);
            return vec![CheckResult::failed(STEP, error)];
        }
    };
    required.iter().map(|(path, required)| compare(path, required, granted.get(path))).collect()
}

/// Returns the required capabilities by path, without those that can't be checked.
fn required_by_path(inner: &Inner) -> Result<BTreeMap<String, Vec<&'static str>>, Error> {
    let required = required_capabilities(&inner.settings)?;
    let checked =
        required.into_iter().filter_map(|item| Some((item.example_path()?, item.capabilities)));
    Ok(checked.collect())
}

/// Reads the token's capabilities on `paths`, in the first namespace in which it may.
async fn granted_by_path(
    inner: &Inner,
    paths: Vec<&String>,
) -> Result<BTreeMap<String, Vec<String>>, vault_http::Error> {
    #[derive(Serialize)]
    struct Paths<'a> {
        paths: Vec<&'a str>,
    }
    let session = &inner.connection.session;
    let deadline = session.deadline();
    for namespace in policy_namespaces(&inner.settings).into_iter().flatten() {
        // In a namespace, paths are relative to it. A server without namespaces rejects the
        // request, and one with namespaces denies it in those that did not issue the token.
        let relative = paths.iter().filter_map(|path| relative(path, Some(namespace))).collect();
        let Ok(path) = ApiPath::parse(namespace) else { continue };
        let path = path.join(&CAPABILITIES_SELF);
        let request = Request::post(path, &Paths { paths: relative })?.idempotent();
        match session.send(&request, deadline).await {
            Ok(response) => {
                let granted: BTreeMap<String, Vec<String>> = response.data()?;
                let granted = granted.into_iter();
                return Ok(granted
                    .map(|(path, can)| (format!("{namespace}/{path}"), can))
                    .collect());
            }
            Err(error) if matches!(error.kind(), Http::NoMount | Http::Denied | Http::Rejected) => {
            }
            Err(error) => return Err(error),
        }
    }
    let paths = paths.iter().map(|path| path.as_str()).collect();
    let request = Request::post(CAPABILITIES_SELF, &Paths { paths })?.idempotent();
    session.send(&request, deadline).await?.data()
}

fn compare(path: &str, required: &[&str], granted: Option<&Vec<String>>) -> CheckResult {
    let has =
        |capability: &str| granted.is_some_and(|granted| granted.iter().any(|g| g == capability));
    let missing: Vec<_> =
        required.iter().copied().filter(|capability| !has(capability) && !has("root")).collect();
    if missing.is_empty() {
        return CheckResult::ok(STEP, format!("{} on {path}", required.join(", ")));
    }
    let missing = missing.join(", ");
    let what = format!("permission denied: the token lacks {missing} on {path}");
    let error = Error::new(ErrorKind::Denied, what)
        .with_hint(format!("give the token a policy that allows {missing} on this path"));
    CheckResult::failed(STEP, error)
}
