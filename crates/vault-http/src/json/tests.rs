use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::unescape::unescape;
use super::*;

fn check(body: &str, expected: bool) {
    let valid = validate(body.as_bytes()).is_some();
    assert_eq!(valid, expected, "{}", body.get(..60).unwrap_or(body));
}

#[test]
fn document_with_duplicate_names_or_invalid_grammar_is_refused() {
    check(r#"{"a":{"b":[1,-2,3.5,"x\u00e9",null,true]},"b":{"a":1}}"#, true);
    check(r#" { "a" : { "b" : [ ] } , "b" : "a" } "#, true);
    check(r#"{"a":"a","b":["b","a"]}"#, true);
    check(r#"{"a":1,"a":2}"#, false);
    check(r#"{"a":1,"a" :2}"#, false);
    check(r#"{"x":[{"a":1,"b":2,"a":3}]}"#, false);
    check(r#"{"a":1,"\u0061":2}"#, false);
    check(r#"{"a\\":1,"a\"":2,"a\\\"":{}}"#, true);
    check(r#"{"a":NaN}"#, false);
    check(r#"{"a":1} trailing"#, false);
    check(r#"{"a":1"#, false);
    check("", false);
    let many = |last: &str| {
        let names: Vec<_> = (0..50).map(|n| format!("\"n{n}\":0")).collect();
        format!("{{{},\"{last}\":0}}", names.join(","))
    };
    check(&many("n50"), true);
    check(&many("n3"), false);
    check(&many("n49"), false);
}

#[test]
fn string_with_an_unpaired_surrogate_is_refused() {
    check(r#"["\ud83d\ude00"]"#, true);
    for half in [r#"["\ud83d"]"#, r#"["\ude00"]"#, r#"["\ud83dx"]"#, r#"["\ud83d\u0041"]"#] {
        check(half, false);
    }
}

#[test]
fn nesting_beyond_the_limit_is_refused() {
    check(&format!("{}{}", "[".repeat(120), "]".repeat(120)), true);
    check(&format!("{}{}", "[".repeat(130), "]".repeat(130)), false);
    check(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), false);
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    assert_eq!(validate(b"{\"a\":\"\xff\"}"), None);
}

#[test]
fn errors_member_is_recognized_at_the_top_level_only() {
    let check = |body: &str, expected| assert_eq!(validate(body.as_bytes()), Some(expected));
    check(r#"{"errors":["x"]}"#, JsonShape::Errors);
    check(r#"{"err\u006frs" : ["x"]}"#, JsonShape::Errors);
    check(r#"{"errors":[]}"#, JsonShape::Errors);
    check(r#"{"data":{"errors":["x"]},"errors":null}"#, JsonShape::Object);
    check(r#"[{"errors":["x"]}]"#, JsonShape::Other);
    check("null", JsonShape::Null);
}

#[test]
fn number_outside_the_range_of_f64_is_accepted() {
    check(r#"{"a":1e999,"b":[-1e999,123456789012345678901234567890]}"#, true);
    check(r#"{"a":1e999,"a":1}"#, false);
}

#[test]
fn secret_fields_accept_strings_only() {
    #[derive(Deserialize)]
    struct Fields {
        #[serde(deserialize_with = "secret_string")]
        a: SecretString,
        #[serde(default, deserialize_with = "optional_secret_string")]
        b: Option<SecretString>,
    }
    let parse = |text: &str| serde_json::from_str::<Fields>(text);
    let fields = parse(r#"{"a":"x\n","b":null}"#).unwrap();
    assert_eq!((fields.a.expose_secret(), fields.b.is_none()), ("x\n", true));
    assert!(parse(r#"{"a":"x","b":"y"}"#).unwrap().b.is_some());
    for wrong in [r#"{"a":7654321}"#, r#"{"a":"x","b":[7654321]}"#, "{}"] {
        let error = parse(wrong).err().unwrap().to_string();
        assert!(!error.contains("7654321"), "{error}");
    }
}

#[test]
fn serialized_value_fills_its_buffer_exactly() {
    let value = serde_json::json!({"key": "clé \" \n \u{1}"});
    let body = to_vec(&value).unwrap();
    assert_eq!(*body, serde_json::to_vec(&value).unwrap());
    assert_eq!(body.len(), body.capacity());
}

proptest! {
    #[test]
    fn unescape_agrees_with_serde_json(text in ".{0,40}") {
        let raw = serde_json::to_string(&text).unwrap();
        let decoded = unescape(&raw);
        prop_assert_eq!(decoded.as_deref(), Some(text.as_str()));
    }

    #[test]
    fn unescape_accepts_what_serde_json_accepts(
        inner in r#"(a|é|\\(["\\/bfnrtxu]|u[0-9a-fA-FdD]{4}|ud[89ab]00\\ud[c-f]00)){0,6}"#,
    ) {
        let raw = format!("\"{inner}\"");
        let expected = serde_json::from_str::<String>(&raw).ok();
        let decoded = unescape(&raw);
        prop_assert_eq!(decoded.as_deref(), expected.as_deref());
    }
}
