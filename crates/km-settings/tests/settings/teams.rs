//! Team settings, and the locations that they lead to.

use km_settings::{Location, OverlayError, SettingSource, Settings, TeamSettings};

use crate::common::{Strict, bad, check_problem, good, management, warnings};

/// Returns settings in which every part of the location is set.
fn global(variables: &[(&str, &str)]) -> Settings {
    let mut all = vec![
        ("HCP_VAULT_NAMESPACE", "admin"),
        ("HCP_VAULT_MOUNT_NAME", "kv"),
        ("HCP_VAULT_PATH_PREFIX", "gateway"),
    ];
    all.extend(variables);
    good(&all, "")
}

/// Asserts the location of a team's keys: namespace, mount, prefix and field.
fn check(json: &str, expected: (Option<&str>, &str, Option<&str>, &str)) {
    let team = TeamSettings::from_json(json, &Strict).unwrap_or_else(|e| panic!("{json}: {e}"));
    let location = team.overlay(&global(&[])).unwrap();
    let found = (
        location.namespace.as_deref(),
        location.mount.as_str(),
        location.path_prefix.as_deref(),
        location.field.as_str(),
    );
    assert_eq!(found, expected, "{json}");
}

#[test]
fn each_part_is_inherited_reset_or_set() {
    let global = (Some("admin"), "kv", Some("gateway"), "key");
    for json in ["null", "{}", r#"{"namespace": null, "mount": null, "data": null}"#] {
        check(json, global);
    }
    for blank in ["", "  ", "/", " // "] {
        let json =
            format!(r#"{{"namespace": "{blank}", "mount": "{blank}", "path_prefix": "{blank}"}}"#);
        check(&json, (None, "secret", None, "key"));
    }
    check(
        r#"{"namespace": " teams/team-a/ ", "mount": "kv-prod", "path_prefix": "/virtual-keys",
            "data": " password "}"#,
        (Some("teams/team-a"), "kv-prod", Some("virtual-keys"), "password"),
    );
    check(r#"{"data": ""}"#, global);
    check(r#"{"data": "/"}"#, (Some("admin"), "kv", Some("gateway"), "/"));
}

#[test]
fn nested_settings_take_precedence() {
    check(
        r#"{"mount": "beside", "tags": [1], "secret_manager_settings": {"namespace": "team"}}"#,
        (Some("team"), "kv", Some("gateway"), "key"),
    );
    check(
        r#"{"mount": "own", "secret_manager_settings": null}"#,
        (Some("admin"), "own", Some("gateway"), "key"),
    );
}

#[test]
fn invalid_team_settings_are_rejected() {
    for (json, path, part) in [
        ("", "", "invalid JSON at line 1"),
        ("{", "", "invalid JSON at line 1"),
        ("[]", "", "must be a JSON object"),
        ("\"text\"", "", "must be a JSON object"),
        (r#"{"mount": 5}"#, "mount", "must be text, not a number"),
        (r#"{"namespace": ["a"]}"#, "namespace", "must be text, not a list"),
        (r#"{"data": true}"#, "data", "must be text, not a boolean"),
        (r#"{"data": {}}"#, "data", "must be text, not an object"),
        (r#"{"data": "\ud800"}"#, "data", "must be text, not text that is not valid Unicode"),
        (r#"{"data": "a\u0000b"}"#, "data", "control character"),
        (r#"{"path_prefix": "a/../b"}"#, "path_prefix", "is not a valid path"),
        (r#"{"mount": "a//b"}"#, "mount", "is not a valid path"),
        (r#"{"prefix": "a"}"#, "", "unknown key `prefix`"),
        (r#"{"mout": "a"}"#, "", "did you mean `mount`?"),
        (r#"{"mount": "a", "mount": "b"}"#, "", "duplicate key `mount`"),
        (r#"{"secret_manager_settings": []}"#, "secret_manager_settings", "must be a JSON object"),
        (
            r#"{"secret_manager_settings": {"mount": 1}}"#,
            "secret_manager_settings.mount",
            "must be text",
        ),
        (
            r#"{"secret_manager_settings": {"mount": "a", "mount": "b"}}"#,
            "secret_manager_settings",
            "duplicate key",
        ),
        (
            r#"{"secret_manager_settings": {}, "secret_manager_settings": {}}"#,
            "secret_manager_settings",
            "duplicate key",
        ),
    ] {
        let problems = TeamSettings::from_json(json, &Strict).unwrap_err();
        let all: Vec<_> = problems.iter().collect();
        assert_eq!(all.len(), 1, "{json}: {problems}");
        assert_eq!(all[0].source, SettingSource::Team { path: path.to_owned() }, "{json}");
        assert!(all[0].message.contains(part), "{json}: {problems}");
        assert!(all[0].hint.contains("`namespace`, `mount`, `path_prefix` and `data`"));
    }
    let json = r#"{"mount": 5, "data": 6, "other": 7}"#;
    assert_eq!(TeamSettings::from_json(json, &Strict).unwrap_err().iter().count(), 3);
}

#[test]
fn field_of_both_value_and_description_is_rejected() {
    let team = TeamSettings::from_json(r#"{"data": "description"}"#, &Strict).unwrap();
    assert_eq!(team.overlay(&global(&[])).unwrap().field, Location::DESCRIPTION);
    let error = team.overlay(&global(&[("KM_DESCRIPTION", "text")])).unwrap_err();
    assert!(matches!(error, OverlayError::Contradiction(_)), "{error}");
}

/// Asserts whether these patterns allow a location.
fn check_allowed(patterns: &str, json: &str, expected: bool) {
    let settings = global(&[("KM_ALLOWED_TEAM_LOCATIONS", patterns)]);
    let team = TeamSettings::from_json(json, &Strict).unwrap();
    match team.overlay(&settings) {
        Ok(_) => assert!(expected, "{patterns} allows {json}"),
        Err(OverlayError::NotAllowed { .. }) => assert!(!expected, "{patterns} rejects {json}"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn pattern_without_prefix_allows_every_prefix_outside_the_global_mount() {
    let prod = r#"{"namespace": "teams/a", "mount": "kv-prod"}"#;
    let prefix = r#"{"namespace": "teams/a", "mount": "kv-prod", "path_prefix": "any"}"#;
    for (patterns, json, expected) in [
        ("teams/a/kv-prod", prod, true),
        ("teams/a/kv-prod", prefix, true),
        ("teams/*/kv-*", prod, true),
        ("other/kv, teams/a/kv-prod", prod, true),
        ("teams/a/*", prod, true),
        ("*/kv-prod", prod, false),
        ("teams/a/kv", prod, false),
        ("/kv-prod", prod, false),
        ("TEAMS/a/kv-prod", prod, false),
        ("/kv", r#"{"namespace": "", "mount": "kv"}"#, true),
        ("/kv", r#"{"mount": "kv"}"#, false),
        ("*/kv", r#"{"namespace": ""}"#, false),
        ("/secret", r#"{"namespace": "", "mount": ""}"#, true),
        // These are the same request to Vault.
        ("teams/a/kv-prod", r#"{"namespace": "", "mount": "teams/a/kv-prod"}"#, true),
        ("", r#"{"mount": "kv"}"#, false),
    ] {
        check_allowed(patterns, json, expected);
    }
}

/// In these cases the global location is `admin/kv` with the path prefix `gateway`.
#[test]
fn global_mount_is_only_allowed_by_patterns_with_a_prefix() {
    let team = r#"{"path_prefix": "team-a"}"#;
    for (patterns, json, expected) in [
        ("admin/kv:team-a", team, true),
        ("admin/kv:team-a", r#"{"path_prefix": "team-a/sub"}"#, true),
        ("admin/kv:team-a", r#"{"path_prefix": "team-ab"}"#, false),
        ("admin/kv:team-a", r#"{"path_prefix": "x/team-a"}"#, false),
        ("admin/kv:team-a/keys", team, false),
        ("admin/kv:team-*", team, true),
        ("admin/kv:*", team, true),
        ("admin/kv:/team-a/", team, true),
        ("admin/kv", team, false),
        ("*/*", team, false),
        ("*/*, admin/kv:team-b", team, false),
        ("/elsewhere", team, false),
        ("", team, false),
        // At the top of the mount, and at the global prefix named explicitly.
        ("admin/kv:*", r#"{"path_prefix": ""}"#, false),
        ("admin/kv:team-a", r#"{"path_prefix": "gateway"}"#, false),
        ("admin/kv:gateway", r#"{"path_prefix": "gateway"}"#, true),
        // A team that names only the mount inherits the global prefix.
        ("admin/kv", r#"{"mount": "kv"}"#, false),
        ("admin/kv:gateway", r#"{"mount": "kv"}"#, true),
        ("admin/kv:team-a", r#"{"namespace": "", "mount": "admin/kv"}"#, false),
    ] {
        check_allowed(patterns, json, expected);
    }
}

#[test]
fn mount_of_a_pattern_with_a_prefix_requires_a_prefix() {
    let at = |prefix: &str| {
        format!(r#"{{"namespace": "teams", "mount": "kv", "path_prefix": "{prefix}"}}"#)
    };
    for (patterns, prefix, expected) in [
        ("teams/kv:a", "a", true),
        ("teams/kv:a", "b", false),
        ("teams/kv:a", "", false),
        ("teams/kv:a, teams/kv", "b", false),
        ("teams/kv, teams/kv:a", "b", false),
        ("teams/k*:a, */kv", "b", false),
        ("teams/kv:a, teams/kv:b", "b", true),
        ("teams/other:a, teams/kv", "b", true),
    ] {
        check_allowed(patterns, &at(prefix), expected);
    }
}

#[test]
fn team_without_a_location_is_always_allowed() {
    for patterns in ["", "/elsewhere", "admin/kv:team-a"] {
        for json in ["null", "{}", r#"{"data": "b"}"#, r#"{"path_prefix": null}"#] {
            check_allowed(patterns, json, true);
        }
    }
}

#[test]
fn last_colon_separates_the_prefix() {
    for (pattern, json, expected) in [
        ("x/kv:a:b", r#"{"namespace": "x", "mount": "kv:a", "path_prefix": "b"}"#, true),
        ("x/kv:a:b", r#"{"namespace": "x", "mount": "kv", "path_prefix": "a:b"}"#, false),
    ] {
        check_allowed(pattern, json, expected);
    }
}

#[test]
fn rejected_location_is_reported() {
    let settings = global(&[("KM_ALLOWED_TEAM_LOCATIONS", "/kv")]);
    let team = TeamSettings::from_json(r#"{"mount": "x"}"#, &Strict).unwrap();
    let error = team.overlay(&settings).unwrap_err();
    let expected = "permission denied: KM_ALLOWED_TEAM_LOCATIONS does not allow `admin/x:gateway`";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn invalid_pattern_is_rejected() {
    for pattern in ["kv", "a//b", "../kv", "/", "a/./b", "*", "a/b:", "a/b:/", "a/b:../c", "a:b/c"]
    {
        let variables = [("KM_ALLOWED_TEAM_LOCATIONS", pattern)];
        check_problem(&variables, "", &["KM_ALLOWED_TEAM_LOCATIONS", "is not a valid pattern"]);
    }
    assert_eq!(bad(&[("KM_ALLOWED_TEAM_LOCATIONS", "a,b,c/d")], "").len(), 2);
    for line in
        ["['a/b:x/y', /c]", "'a/b:x/y, /c'", "os.environ/LOCATIONS", "[os.environ/LOCATION, /c]"]
    {
        let text = management(&[&format!("km: {{allowed_team_locations: {line}}}")]);
        let settings = good(&[("LOCATIONS", "a/b:x/y, /c"), ("LOCATION", "a/b:x/y")], &text);
        let patterns = settings.allowed_team_locations.unwrap();
        let shown: Vec<_> = patterns.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["a/b:x/y", "/c"]);
    }
}

#[test]
fn empty_list_of_locations_causes_warning() {
    assert_eq!(warnings(&good(&[("KM_ALLOWED_TEAM_LOCATIONS", "")], "")).len(), 1);
}
