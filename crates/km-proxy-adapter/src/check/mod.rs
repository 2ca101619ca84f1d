//! Is everything in place? Asked step by step, from the server to the rights.

mod grants;
mod policy;
mod rights;
mod steps;

pub use policy::policy;

use crate::error::Error;
use crate::keys::KeyManager;

/// What one step of a check came to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CheckResult {
    /// What was looked at, such as `login`.
    pub step: &'static str,
    /// What was seen, where it is well.
    pub seen: String,
    /// Whether that is well.
    pub verdict: CheckStatus,
}

/// Whether a step of a check went well.
#[derive(Debug, Clone)]
pub enum CheckStatus {
    /// It is well.
    Ok,
    /// It works, and may not be what was meant; the text says how to mend it.
    Warning(String),
    /// It does not work.
    Failed(Error),
}

impl CheckResult {
    fn ok(step: &'static str, seen: impl Into<String>) -> Self {
        Self { step, seen: seen.into(), verdict: CheckStatus::Ok }
    }

    fn warning(step: &'static str, seen: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { step, seen: seen.into(), verdict: CheckStatus::Warning(hint.into()) }
    }

    fn failed(step: &'static str, error: Error) -> Self {
        Self { step, seen: String::new(), verdict: CheckStatus::Failed(error) }
    }
}

impl KeyManager {
    /// Looks at the settings, the server, the login, the mount and the rights, in this order. Steps
    /// that make no sense after a failure are left out. Nothing is written, no secret is read.
    pub async fn check(&self) -> Vec<CheckResult> {
        let mut findings = self.check_settings();
        let server = self.check_server().await;
        let reachable = !matches!(server.verdict, CheckStatus::Failed(_));
        findings.push(server);
        if !reachable {
            return findings;
        }
        let login = self.check_login().await;
        let logged_in = !matches!(login.verdict, CheckStatus::Failed(_));
        findings.push(login);
        if logged_in {
            findings.push(self.check_mount().await);
            findings.extend(self.check_rights().await);
        }
        findings
    }

    fn check_settings(&self) -> Vec<CheckResult> {
        let settings = self.settings();
        let method = match &settings.login.method {
            km_settings::Method::AppRole { .. } => "AppRole",
            km_settings::Method::Cert { .. } => "TLS certificate",
            km_settings::Method::Token(_) => "token",
            km_settings::Method::Jwt { .. } => "JWT",
            km_settings::Method::Kubernetes { .. } => "Kubernetes",
            km_settings::Method::Userpass { .. } => "userpass",
        };
        let seen = format!("server {}, login by {method}", settings.server.address);
        let mut findings = vec![CheckResult::ok("settings", seen)];
        findings.extend(settings.warnings.iter().map(|warning| {
            let seen = format!("{}: {}", warning.source, warning.message);
            CheckResult::warning("settings", seen, &warning.hint)
        }));
        let patterns = settings.allowed_team_locations.iter().flatten();
        let free = patterns.filter(|pattern| pattern.prefix().is_none()).map(|pattern| {
            let seen = format!(
                "KM_ALLOWED_TEAM_LOCATIONS: `{pattern}` leaves the path prefix free: a team may \
                 name any other team's"
            );
            CheckResult::warning("settings", seen, format!("add a prefix: `{pattern}:PREFIX`"))
        });
        findings.extend(free);
        findings
    }
}
