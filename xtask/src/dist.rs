//! The files that a release ships beside the binary: man pages and shell completions.

use std::fs;

use anyhow::{Context, Result};

use crate::step::{cargo, run};
use crate::workspace;

/// Writes man pages and completions to `target/dist`.
///
/// A test of `km` writes them, so that the binary does not contain their generators.
pub(crate) fn dist() -> Result<()> {
    let directory = workspace::target()?.join("dist");
    fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
    let test = ["test", "--locked", "--package=km-cli", "--bin=km"];
    let mut command = cargo(&test);
    command.args(["--", "--ignored", "--exact", "dist::write_for_release"]);
    run("dist", command.env("KM_DIST_DIR", &directory))?;
    println!("man pages and completions are in {}", directory.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    const REFERENCE: &str = include_str!("../../docs/reference/metrics.md");

    /// Returns the metrics that a text names, without the suffix that Prometheus appends to those of
    /// a histogram.
    fn metrics(text: &str) -> BTreeSet<&str> {
        let words = text.split(|c: char| !c.is_ascii_lowercase() && c != '_');
        let prefixes = ["km_serve_", "vault_auth_", "secret_cache_"];
        let names = words.filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix)));
        names.map(|name| name.strip_suffix("_bucket").unwrap_or(name)).collect()
    }

    #[test]
    fn metrics_of_alerts_and_dashboard_are_in_the_reference() {
        let documented = metrics(REFERENCE);
        for text in [
            include_str!("../../packaging/prometheus/alerts.yml"),
            include_str!("../../packaging/prometheus/alerts_test.yml"),
            include_str!("../../packaging/grafana/km-serve.json"),
        ] {
            let used = metrics(text);
            assert!(used.len() > 3, "{used:?}");
            let undocumented: Vec<_> = used.difference(&documented).collect();
            assert!(undocumented.is_empty(), "not in docs/reference/metrics.md: {undocumented:?}");
        }
    }

    /// systemd doesn't allocate a dynamic user if there is a group of its name, which is that of the
    /// unit.
    #[test]
    fn group_of_the_socket_is_created_and_is_not_that_of_the_dynamic_user() {
        let service = include_str!("../../packaging/systemd/km.service");
        let socket = include_str!("../../packaging/systemd/km.socket");
        let sysusers = include_str!("../../packaging/systemd/km.sysusers.conf");
        let value = |unit: &'static str, key| unit.lines().find_map(|l| l.strip_prefix(key));
        assert_eq!(value(service, "DynamicUser="), Some("yes"));
        assert_eq!((value(service, "User="), value(service, "Group=")), (None, None));
        let group = value(socket, "SocketGroup=").unwrap();
        assert_ne!(group, "km", "the name of the dynamic user");
        assert!(sysusers.lines().any(|line| line == format!("g {group} -")), "{sysusers}");
    }

    #[test]
    fn dashboard_is_valid_json() {
        let dashboard = include_str!("../../packaging/grafana/km-serve.json");
        let dashboard: serde_json::Value = serde_json::from_str(dashboard).unwrap();
        assert!(dashboard.pointer("/panels/0/targets/0/expr").is_some());
    }
}
