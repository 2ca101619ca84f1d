//! What the token may do, beside what these settings need.

use std::collections::BTreeMap;

use serde::Serialize;
use vault_http::{ApiPath, ErrorKind as Http, Request};

use super::CheckResult;
use super::required::required_capabilities;
use crate::error::convert as explain;
use crate::error::{Error, ErrorKind};
use crate::key_manager::KeyManager;

const CAPABILITIES: ApiPath = ApiPath::from_static("sys/capabilities-self");

impl KeyManager {
    pub(super) async fn check_rights(&self) -> Vec<CheckResult> {
        let needs = match self.needs() {
            Ok(needs) => needs,
            Err(error) => return vec![CheckResult::failed("rights", error)],
        };
        if needs.is_empty() {
            return vec![CheckResult::ok("rights", "these settings ask Vault for no secret")];
        }
        let rights = match self.rights(needs.keys().collect()).await {
            Ok(rights) => rights,
            Err(error) if error.kind() == Http::Denied => {
                let seen = "the token may not ask for its own rights";
                let hint =
                    "give it the policy `default`, or allow `update` on sys/capabilities-self";
                return vec![CheckResult::warning("rights", seen, hint)];
            }
            Err(error) => {
                return vec![CheckResult::failed(
                    "rights",
                    explain::http("ask for the token's rights", error),
                )];
            }
        };
        needs.iter().map(|(path, needed)| judge(path, needed, rights.get(path))).collect()
    }

    /// The paths that these settings need, and what has to be allowed there.
    fn needs(&self) -> Result<BTreeMap<String, Vec<&'static str>>, Error> {
        let grants = required_capabilities(self.settings())?;
        Ok(grants
            .into_iter()
            .filter_map(|grant| Some((grant.example()?, grant.capabilities)))
            .collect())
    }

    /// What the token may do at `paths`, asked where those paths are known.
    async fn rights(
        &self,
        paths: Vec<&String>,
    ) -> Result<BTreeMap<String, Vec<String>>, vault_http::Error> {
        #[derive(Serialize)]
        struct Paths<'a> {
            paths: Vec<&'a str>,
        }
        let link = &self.parts().link;
        let deadline = link.session.deadline();
        if let Some(namespace) = self.parts().kv.mount().namespace() {
            // In a namespace of its own the paths are relative to it.
            let head = format!("{}/", namespace.decoded());
            let relative = paths.iter().filter_map(|path| path.strip_prefix(&head)).collect();
            let question =
                Request::post(namespace.join(&CAPABILITIES), &Paths { paths: relative })?
                    .idempotent();
            match link.session.send(&question, deadline).await {
                Ok(answer) => {
                    let rights: BTreeMap<String, Vec<String>> = answer.data()?;
                    return Ok(rights
                        .into_iter()
                        .map(|(path, can)| (head.clone() + &path, can))
                        .collect());
                }
                Err(error)
                    if matches!(error.kind(), Http::NoMount | Http::Denied | Http::Rejected) => {}
                Err(error) => return Err(error),
            }
        }
        let paths = paths.iter().map(|path| path.as_str()).collect();
        let question = Request::post(CAPABILITIES, &Paths { paths })?.idempotent();
        link.session.send(&question, deadline).await?.data()
    }
}

fn judge(path: &str, needed: &[&str], rights: Option<&Vec<String>>) -> CheckResult {
    let has = |right: &str| rights.is_some_and(|rights| rights.iter().any(|held| held == right));
    let missing: Vec<_> =
        needed.iter().copied().filter(|right| !has(right) && !has("root")).collect();
    if missing.is_empty() {
        return CheckResult::ok("rights", format!("{} on {path}", needed.join(", ")));
    }
    let missing = missing.join(", ");
    let error = Error::new(ErrorKind::Denied, format!("the token has no {missing} on {path}"))
        .with_hint(format!("a policy of the token has to allow {missing} there"));
    CheckResult::failed("rights", error)
}
