//! The least policy that these settings need.

use std::fmt::Write as _;

use km_settings::Settings;

use super::required::{RequiredCapability, required_capabilities, without_grant};
use crate::error::Error;

/// What a token does with itself. Vault's policy `default` allows it too, where a token has that.
const OWN_TOKEN: [(&str, &str); 4] = [
    ("auth/token/lookup-self", "read"),
    ("auth/token/renew-self", "update"),
    ("auth/token/revoke-self", "update"),
    ("sys/capabilities-self", "update"),
];

const HEAD: &str = "\
# The least that km needs with these settings. Paths begin at the root namespace; a policy that is
# written in a namespace of its own leaves that out.
";

const ANY_TEAM: &str = "
# Teams may name any place, which no policy can list: set KM_ALLOWED_TEAM_LOCATIONS, and theirs stand
# here.
";

/// The policy (HCL) that a gateway with these settings needs, and no more. Nothing is asked.
///
/// # Errors
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a name that no policy can allow alone.
pub fn policy(settings: &Settings) -> Result<String, Error> {
    // Writing to a string does not fail.
    let mut text = HEAD.to_owned();
    for grant in required_capabilities(settings)? {
        stanza(&mut text, grant.purpose, &grant.pattern()?, &grant);
    }
    if settings.virtual_keys.store {
        if settings.allowed_team_locations.is_none() {
            text.push_str(ANY_TEAM);
        }
        for pattern in without_grant(settings) {
            let _ =
                writeln!(text, "\n# {pattern}: no policy can say this: add the mounts one by one");
        }
    }
    text.push_str("\n# the token itself\n");
    for (path, right) in OWN_TOKEN {
        let _ = writeln!(text, "path \"{path}\" {{\n  capabilities = [\"{right}\"]\n}}");
    }
    Ok(text)
}

fn stanza(text: &mut String, why: &str, pattern: &str, grant: &RequiredCapability) {
    let pattern = pattern.replace('\\', "\\\\").replace('"', "\\\"");
    let rights = grant.capabilities.iter().chain(&grant.optional);
    let rights: Vec<_> = rights.map(|right| format!("\"{right}\"")).collect();
    let rights = rights.join(", ");
    let _ = writeln!(text, "\n# {why}\npath \"{pattern}\" {{\n  capabilities = [{rights}]\n}}");
}
