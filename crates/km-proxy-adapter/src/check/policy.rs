//! The least-privilege policy of the settings, for each namespace in which it may be written.

use std::fmt::{self, Write as _};

use km_settings::Settings;

use super::namespace::{policy_namespaces, relative};
use super::required::{RequiredCapability, inexpressible_patterns, required_capabilities};
use crate::error::Error;

/// The capabilities of a token on itself. Vault's policy `default` grants them too, but a token
/// need not have it. The paths are relative to the namespace of the token.
const TOKEN_SELF: [(&str, &str); 4] = [
    ("auth/token/lookup-self", "read"),
    ("auth/token/renew-self", "update"),
    ("auth/token/revoke-self", "update"),
    ("sys/capabilities-self", "update"),
];

const WITHOUT_NAMESPACES: &str = "\
# The least-privilege policy of these settings. Paths are relative to the root namespace; in a
# policy of another namespace, remove that namespace from their start.
";

const VERSION_CHANGES: &str = "
# Not included: `km undelete` and `km destroy`, and those of `km key`, need \"update\" on the paths
# above with `undelete` and `destroy` in place of `data`. `km rotate` needs \"read\" and \"patch\" on
# those with `metadata`.
";

const SEVERAL: &str = "\
# A token has the policies of the namespace that issued it. Only the first of the policies below is
# active; the others are comments, to be written elsewhere for tokens that are issued there.

";

const ANY_TEAM_LOCATION: &str = "
# Teams may use any location, which a policy can't express. Set KM_ALLOWED_TEAM_LOCATIONS to include
# the locations of teams.
";

/// The least-privilege policy of a gateway, in the wording of each namespace in which it may be
/// written.
///
/// `Display` prints all of them as one document (HCL), in which only the first is active. Written in
/// another namespace, its paths would be those of other mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies(Vec<NamespacePolicy>);

/// A policy for one namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamespacePolicy {
    /// The namespace in which to write the policy; `None` is the root namespace.
    pub namespace: Option<String>,
    /// The policy (HCL).
    pub policy: String,
}

/// Returns the least-privilege policy (HCL) of a gateway with these settings. Sends nothing.
///
/// # Errors
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a name that a policy would interpret as a
/// pattern.
pub fn policy(settings: &Settings) -> Result<Policies, Error> {
    let required = required_capabilities(settings)?;
    let namespaces = policy_namespaces(settings);
    let has_namespaces = namespaces.len() > 1;
    let policies = namespaces.into_iter().map(|namespace| {
        let head = if has_namespaces { head(namespace) } else { WITHOUT_NAMESPACES.to_owned() };
        let policy = text(head, settings, &required, namespace)?;
        Ok(NamespacePolicy { namespace: namespace.map(str::to_owned), policy })
    });
    Ok(Policies(policies.collect::<Result<_, Error>>()?))
}

impl Policies {
    /// Returns the policies. The first is for the namespace of the login, unless its tokens can't
    /// reach the secrets.
    pub fn as_slice(&self) -> &[NamespacePolicy] {
        &self.0
    }
}

impl fmt::Display for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() > 1 {
            f.write_str(SEVERAL)?;
        }
        for (index, NamespacePolicy { policy, .. }) in self.0.iter().enumerate() {
            if index == 0 {
                f.write_str(policy)?;
                continue;
            }
            f.write_str("\n")?;
            for line in policy.lines() {
                writeln!(f, "{}", format!("# {line}").trim_end())?;
            }
        }
        Ok(())
    }
}

fn head(namespace: Option<&str>) -> String {
    let place = match namespace {
        Some(namespace) => format!("the namespace {namespace}"),
        None => "the root namespace".to_owned(),
    };
    format!(
        "# The least-privilege policy of these settings, to be written in {place}.\n\
         # Its paths are relative to that namespace.\n"
    )
}

/// Returns a policy whose paths are relative to a namespace.
fn text(
    head: String,
    settings: &Settings,
    required: &[RequiredCapability],
    namespace: Option<&str>,
) -> Result<String, Error> {
    let mut text = head;
    // Writing to a string does not fail.
    for required in required {
        let path = required.policy_path()?;
        match relative(&path, namespace) {
            Some(path) => write_stanza(&mut text, path, required),
            None => {
                let _ = writeln!(text, "\n# {path}: outside this namespace");
            }
        }
    }
    if settings.access_mode.writes() {
        text.push_str(VERSION_CHANGES);
    }
    if settings.virtual_keys.store {
        if settings.allowed_team_locations.is_none() {
            text.push_str(ANY_TEAM_LOCATION);
        }
        for pattern in inexpressible_patterns(settings) {
            let _ = writeln!(
                text,
                "\n# {pattern}: a policy can't express this pattern; add a rule for each mount"
            );
        }
    }
    text.push_str("\n# the token itself\n");
    for (path, capability) in TOKEN_SELF {
        let _ = writeln!(text, "path \"{path}\" {{\n  capabilities = [\"{capability}\"]\n}}");
    }
    Ok(text)
}

fn write_stanza(text: &mut String, pattern: &str, required: &RequiredCapability) {
    let pattern = pattern.replace('\\', "\\\\").replace('"', "\\\"");
    let capabilities = required.capabilities.iter().chain(&required.optional);
    let capabilities: Vec<_> = capabilities.map(|name| format!("\"{name}\"")).collect();
    let (purpose, capabilities) = (required.purpose, capabilities.join(", "));
    let _ = writeln!(
        text,
        "\n# {purpose}\npath \"{pattern}\" {{\n  capabilities = [{capabilities}]\n}}"
    );
}
