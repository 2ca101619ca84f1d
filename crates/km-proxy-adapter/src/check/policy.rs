//! The least-privilege policy of the settings.

use std::fmt::Write as _;

use km_settings::Settings;

use super::required::{RequiredCapability, inexpressible_patterns, required_capabilities};
use crate::error::Error;

/// The capabilities of a token on itself. Vault's policy `default` grants them too, but a token
/// need not have it.
const TOKEN_SELF: [(&str, &str); 4] = [
    ("auth/token/lookup-self", "read"),
    ("auth/token/renew-self", "update"),
    ("auth/token/revoke-self", "update"),
    ("sys/capabilities-self", "update"),
];

const HEAD: &str = "\
# The least-privilege policy of these settings. Paths are relative to the root namespace; in a
# policy of another namespace, remove that namespace from their start.
";

const VERSION_CHANGES: &str = "
# Not included: `km undelete` and `km destroy`, and those of `km key`, need \"update\" on the paths
# above with `undelete` and `destroy` in place of `data`.
";

const ANY_TEAM_LOCATION: &str = "
# Teams may use any location, which a policy can't express. Set KM_ALLOWED_TEAM_LOCATIONS to include
# the locations of teams.
";

/// Returns the least-privilege policy (HCL) of a gateway with these settings. Sends nothing.
///
/// # Errors
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a name that a policy would interpret as a
/// pattern.
pub fn policy(settings: &Settings) -> Result<String, Error> {
    let mut text = HEAD.to_owned();
    for required in required_capabilities(settings)? {
        write_stanza(&mut text, &required.policy_path()?, &required);
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
        // Writing to a string does not fail.
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
