//! What stands beside the program: completions and man pages, and the metrics that are looked at.

use anyhow::Result;

use crate::step::{cargo, run};

/// Writes the completions and the man pages: the tests that compare them do so when told to.
pub(crate) fn pages() -> Result<()> {
    let mut command = cargo(&["test", "--locked", "--package=km", "--bin=km", "dist::"]);
    run("pages", command.env("UPDATE_EXPECT", "1"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    const PAGE: &str = include_str!("../../docs/reference/metrics.md");

    /// The metrics that a text names, without what Prometheus appends to a histogram's.
    fn metrics(text: &str) -> BTreeSet<&str> {
        let words = text.split(|sign: char| !sign.is_ascii_lowercase() && sign != '_');
        let ours = ["km_serve_", "vault_auth_", "secret_cache_"];
        let named = words.filter(|word| ours.iter().any(|head| word.starts_with(head)));
        named.map(|word| word.strip_suffix("_bucket").unwrap_or(word)).collect()
    }

    #[test]
    fn what_is_looked_at_is_told() {
        let told = metrics(PAGE);
        for text in [
            include_str!("../../packaging/prometheus/alerts.yml"),
            include_str!("../../packaging/prometheus/alerts_test.yml"),
            include_str!("../../packaging/grafana/km-serve.json"),
        ] {
            let looked_at = metrics(text);
            assert!(looked_at.len() > 3, "{looked_at:?}");
            let unknown: Vec<_> = looked_at.difference(&told).collect();
            assert!(unknown.is_empty(), "docs/reference/metrics.md has none of {unknown:?}");
        }
    }

    #[test]
    fn the_dashboard_is_a_document_of_json() {
        let dashboard = include_str!("../../packaging/grafana/km-serve.json");
        let dashboard: serde_json::Value = serde_json::from_str(dashboard).unwrap();
        assert!(dashboard.pointer("/panels/0/targets/0/expr").is_some());
    }
}
