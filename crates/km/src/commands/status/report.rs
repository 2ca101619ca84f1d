//! The status as lines for people. Programs use `--json`.

use crate::io::styled::Tone::{Bad, Faint, Good, Heading, Plain, Warning};
use crate::io::styled::{Line, Span};
use crate::io::table::Table;
use crate::io::time_span::span;
use crate::sidecar::status::{Cache, Login, Secret, Setting, StatusDocument, Vault};

/// Returns the status: a summary, the secrets and the settings.
pub(super) fn lines(status: &StatusDocument<Setting>) -> Vec<Line> {
    let mut lines = summary(status);
    if !status.secrets.is_empty() {
        lines.push(Line::default());
        lines.extend(secrets(&status.secrets));
    }
    lines.push(Line::default());
    lines.extend(settings(&status.settings));
    lines
}

fn summary(status: &StatusDocument<Setting>) -> Vec<Line> {
    let ready = if status.ready { Span::new("ready", Good) } else { Span::new("not ready", Bad) };
    let about = format!(", version {}, up {}", status.version, span(status.uptime_seconds));
    vec![
        titled("km serve", [ready, Span::new(&about, Plain)]),
        titled("vault", vault(&status.vault)),
        titled("login", login(&status.login)),
        titled("cache", [Span::new(&cache(&status.cache), Plain)]),
    ]
}

/// Returns a line of the summary.
fn titled(title: &str, rest: impl IntoIterator<Item = Span>) -> Line {
    let title = Span::new(&format!("{title:<10}"), Heading);
    Line::new(std::iter::once(title).chain(rest))
}

fn vault(vault: &Vault) -> Vec<Span> {
    let (state, tone) = match (vault.reachable, vault.sealed) {
        (false, _) => ("not reachable", Bad),
        (true, Some(true)) => ("sealed", Bad),
        (true, _) => ("reachable", Good),
    };
    let since = vault.since_seconds.filter(|_| vault.sealed != Some(true)).map(span);
    let since = since.map_or_else(String::new, |since| format!(" for {since}"));
    let version = vault.version.as_ref().map_or_else(String::new, |text| format!(", {text}"));
    let rest = format!("{since}{version}, {}", vault.address);
    [Span::new(state, tone), Span::new(&rest, Plain)]
        .into_iter()
        .chain(error(vault.last_error.as_deref()))
        .collect()
}

fn login(login: &Login) -> Vec<Span> {
    let tone = match login.state.as_str() {
        "active" | "renewing" => Good,
        "rejected" | "ended" => Bad,
        _ => Warning,
    };
    let ttl = login.ttl_seconds.map(|ttl| format!(", valid for {}", span(ttl)));
    let rest =
        format!(" by {}{}, generation {}", login.method, ttl.unwrap_or_default(), login.generation);
    [Span::new(&login.state, tone), Span::new(&rest, Plain)]
        .into_iter()
        .chain(error(login.last_error.as_deref()))
        .collect()
}

fn error(text: Option<&str>) -> Option<Span> {
    text.map(|text| Span::new(&format!(": {text}"), Bad))
}

fn cache(cache: &Cache) -> String {
    let Cache { entries, bytes, hits, misses } = cache;
    format!("{entries} entries, {bytes} bytes, {hits} hits, {misses} misses")
}

fn secrets(secrets: &[Secret]) -> Vec<Line> {
    let header = ["SECRET", "STATE", "VERSION", "AGE", "REFRESH IN", "SOURCE", "LAST ERROR"];
    let cell = |text: Option<String>| Span::or_dash(text.as_deref(), Plain);
    let mut table = Table::new(header);
    for secret in secrets {
        let tone = match secret.state.as_str() {
            "fresh" => Good,
            "negative" => Bad,
            _ => Warning,
        };
        table.row([
            Span::new(&secret.name, Plain),
            Span::new(&secret.state, tone),
            cell(secret.version.map(|version| version.to_string())),
            cell(secret.age_seconds.map(span)),
            cell(secret.refresh_in_seconds.map(span)),
            Span::or_dash(secret.source.as_deref(), Plain),
            Span::or_dash(secret.last_error.as_deref(), Bad),
        ]);
    }
    table.into_lines()
}

fn settings(settings: &[Setting]) -> Vec<Line> {
    let mut table = Table::new(["SETTING", "VALUE", "SOURCE"]);
    for setting in settings {
        let value = match (&setting.value, setting.set) {
            (Some(value), _) => Span::new(value, Plain),
            (None, Some(true)) => Span::new("(set)", Faint),
            (None, _) => Span::or_dash(None, Plain),
        };
        let tone = if setting.source == "default" { Faint } else { Plain };
        table.row([Span::new(&setting.name, Plain), value, Span::new(&setting.source, tone)]);
    }
    table.into_lines()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::styled::Colors;

    #[test]
    fn report_has_a_line_for_each_part() {
        let status = serde_json::json!({
            "version": "0.1.0", "uptime_seconds": 61, "ready": false,
            "vault": {
                "address": "http://127.0.0.1:8200", "reachable": false, "since_seconds": 5,
                "sealed": null, "version": "1.21.2", "last_error": "cannot connect to the server",
            },
            "login": {
                "method": "approle", "state": "degraded", "ttl_seconds": 30, "generation": 2,
                "last_error": "timed out",
            },
            "secrets": [{
                "name": "A\u{202e}", "version": 3, "age_seconds": 400, "state": "stale",
                "source": "vault", "refresh_in_seconds": 1, "last_error": "unavailable",
            }],
            "cache": { "entries": 1, "bytes": 12, "hits": 7, "misses": 2 },
            "settings": [
                { "name": "HCP_VAULT_TOKEN", "value": null, "set": true, "source": "environment" },
                { "name": "KM_DEADLINE", "value": "5s", "source": "default", "new": 1 },
            ],
        });
        let status = serde_json::from_value(status).unwrap();
        let text: Vec<_> =
            lines(&status).iter().map(|line| line.render(Colors::Off, None)).collect();
        assert_eq!(
            text,
            [
                "km serve  not ready, version 0.1.0, up 1m1s",
                "vault     not reachable for 5s, 1.21.2, http://127.0.0.1:8200: cannot connect to \
                 the server",
                "login     degraded by approle, valid for 30s, generation 2: timed out",
                "cache     1 entries, 12 bytes, 7 hits, 2 misses",
                "",
                "SECRET     STATE  VERSION  AGE    REFRESH IN  SOURCE  LAST ERROR",
                "A\\u{202e}  stale  3        6m40s  1s          vault   unavailable",
                "",
                "SETTING          VALUE  SOURCE",
                "HCP_VAULT_TOKEN  (set)  environment",
                "KM_DEADLINE      5s     default",
            ]
        );
    }
}
