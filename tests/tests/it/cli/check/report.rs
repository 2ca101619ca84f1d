//! The report of `km check` as text and as JSON.

use anyhow::Result;
use serde_json::Value;
use testkit::Km;

/// Runs `km check` as text and with `--json`, and returns the steps and their states. Both forms
/// must agree.
async fn check_steps(km: impl Fn() -> Km, code: i32) -> Result<Vec<(String, String)>> {
    let text = km().args(["check"]).run().await?.expect(code)?;
    let document = km().args(["check", "--json"]).run().await?.expect(code)?;
    let parsed: Value = serde_json::from_slice(&document.stdout)?;
    assert_eq!(parsed["ok"], code == 0, "{parsed}");
    let mut steps = Vec::new();
    for check in parsed["checks"].as_array().into_iter().flatten() {
        let part = |name: &str| check[name].as_str().unwrap_or_default().to_owned();
        assert!(!part("message").is_empty(), "{check}");
        let needs_hint = ["warning", "failed"].contains(&part("status").as_str());
        assert_eq!(needs_hint, !check["hint"].is_null(), "how to fix it: {check}");
        steps.push((part("step"), part("status")));
    }
    let lines: Vec<(String, String)> = text
        .text()?
        .lines()
        .map(|line| {
            let mut words = line.split_whitespace().map(str::to_owned);
            let status = words.next().unwrap_or_default();
            (words.next().unwrap_or_default(), status)
        })
        .collect();
    assert_eq!(lines, steps, "{}", text.text()?);
    if code == 0 {
        assert_eq!((text.stderr.as_str(), document.stderr.as_str()), ("", ""));
    }
    Ok(steps)
}

/// Like [`check_steps`], but compares with `expected`, written `step status`.
pub(crate) async fn expect_steps(km: impl Fn() -> Km, code: i32, expected: &[&str]) -> Result<()> {
    let actual: Vec<_> = check_steps(km, code)
        .await?
        .iter()
        .map(|(step, status)| format!("{step} {status}"))
        .collect();
    assert_eq!(actual, expected);
    Ok(())
}
