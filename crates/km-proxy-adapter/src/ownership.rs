//! Which names of the global location are virtual keys, and which are configured provider
//! secrets. Pure.
//!
//! Both kinds share a mount. The prefix of virtual keys separates them, so that no name is both
//! (`docs/adr/0012-tenants.md`).

use km_settings::Settings;

/// Returns whether a virtual key may be stored under this name, be it the gateway's or that of a
/// team whose path prefix is below the global one. Without a key prefix, the names of both kinds
/// are the same.
pub(crate) fn is_virtual_key(settings: &Settings, name: &str) -> bool {
    let Some(prefix) = &settings.virtual_keys.prefix else {
        return false;
    };
    let folder: Vec<_> = prefix.split('/').collect();
    let segments: Vec<_> = name.split('/').collect();
    let mut splits = (0..segments.len()).filter_map(|at| segments.split_at_checked(at));
    splits.any(|(head, tail)| {
        tail.len() > folder.len() && tail.starts_with(&folder) && may_be_location(settings, head)
    })
}

/// Returns whether these segments below the global path prefix may be the path prefix of a
/// location: no segments are the gateway's location, any others a team's.
fn may_be_location(settings: &Settings, head: &[&str]) -> bool {
    let global = &settings.location;
    let outer = global.path_prefix.iter().map(String::as_str);
    let path_prefix = outer.chain(head.iter().copied()).collect::<Vec<_>>().join("/");
    head.is_empty()
        || settings.allows_team_location(
            global.namespace.as_deref(),
            &global.mount,
            Some(&path_prefix),
        )
}

/// Returns whether the configuration references or hosts the name, so that it is always a
/// provider secret.
pub(crate) fn is_configured(settings: &Settings, name: &str) -> bool {
    configured_names(settings).any(|configured| configured == name)
}

/// Returns the names that the configuration references or hosts.
pub(crate) fn configured_names(settings: &Settings) -> impl Iterator<Item = &str> {
    settings.hosted_keys.iter().flatten().chain(&settings.references).map(String::as_str)
}
