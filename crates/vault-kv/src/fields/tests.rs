use std::collections::BTreeMap;

use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use serde::de::Error as _;
use serde::de::value::{Error as PlainError, MapDeserializer, StrDeserializer};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use super::serialize::Exposed;
use super::*;

fn parse(json: &str) -> Result<Fields, serde_json::Error> {
    serde_json::from_str(json)
}

#[test]
fn strings_and_digits_of_numbers_are_kept_byte_for_byte() {
    let fields =
        parse(r#"{"key":"cl\u00e9 \"\n\\ ","empty":"","n":12345678901234567890.10}"#).unwrap();
    assert_eq!(fields.text("key").unwrap().expose_secret(), "clé \"\n\\ ");
    assert_eq!(fields.text("empty").unwrap().expose_secret(), "");
    assert_eq!(fields.text("n").unwrap_err(), FieldError::NotText { field: "n".into() });
    assert_eq!(fields.text("x").unwrap_err(), FieldError::Missing { field: "x".into() });
    let (names, number) = ("key".len() + "empty".len() + "n".len(), "12345678901234567890.10");
    assert_eq!(fields.bytes(), names + "clé \"\n\\ ".len() + number.len());
    let sent = serde_json::to_string(&Exposed(&fields)).unwrap();
    assert!(sent.contains(r#""n":12345678901234567890.10"#), "numbers keep their digits: {sent}");
    assert!(parse(&sent).unwrap().same_as(&fields));
}

#[test]
fn duplicate_field_is_rejected() {
    assert!(parse(r#"{"key":"a","key":"b"}"#).is_err());
}

#[test]
fn debug_output_masks_values() {
    let shown = format!("{:?}", parse(r#"{"key":"planted","n":1234567}"#).unwrap());
    assert!(shown.contains("key") && !shown.contains("planted") && !shown.contains("1234567"));
}

/// The fields inside another struct, so that `serde` itself buffers them.
#[derive(Deserialize)]
struct Flattened {
    #[serde(flatten)]
    fields: Fields,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Untagged {
    Fields(Fields),
}

fn text<T>(outcome: Result<T, impl ToString>) -> Result<T, String> {
    outcome.map_err(|error| error.to_string())
}

/// Deserializes JSON with every kind of deserializer.
fn from_every_source(json: &str) -> Vec<(&'static str, Result<Fields, String>)> {
    let value = || serde_json::from_str::<serde_json::Value>(json).unwrap();
    vec![
        ("str", text(serde_json::from_str(json))),
        ("slice", text(serde_json::from_slice(json.as_bytes()))),
        ("reader", text(serde_json::from_reader(json.as_bytes()))),
        ("value", text(serde_json::from_value(value()))),
        ("&value", text(Fields::deserialize(&value()))),
        ("flatten", text(serde_json::from_str(json).map(|Flattened { fields }| fields))),
        ("untagged", text(serde_json::from_str(json).map(|Untagged::Fields(fields)| fields))),
    ]
}

#[test]
fn fields_are_deserialized_from_every_source() {
    let document = json!({
        "text": "cl\u{e9} \"\n\\", "empty": "", "integer": -42, "large": u64::MAX, "fraction": 0.25,
        "true": true, "null": null, "list": [1, "a", [], {}, null],
        "object": { "key": "\n", "deep": { "er": [false] } },
    });
    let json = document.to_string();
    let expected = parse(&json).unwrap();
    assert_eq!(expected.len(), 9);
    for (source, fields) in from_every_source(&json) {
        let fields = fields.unwrap_or_else(|error| panic!("{source}: {error}"));
        assert!(fields.same_as(&expected), "{source}");
        assert_eq!(serde_json::to_value(fields.expose()).unwrap(), document, "{source}");
    }
}

#[test]
fn number_keeps_its_digits_where_the_source_has_its_text() {
    let json = r#"{"n":12345678901234567890.10}"#;
    for (source, fields) in from_every_source(json) {
        let digits =
            fields.unwrap().get("n").unwrap().as_json().unwrap().expose_secret().to_owned();
        let is_kept = digits == "12345678901234567890.10";
        assert_eq!(is_kept, matches!(source, "str" | "slice" | "reader"), "{source}: {digits}");
    }
}

#[test]
fn name_that_announces_json_text_is_an_ordinary_name_in_a_document() {
    // `serde_json::Value` itself misinterprets it.
    let json = r#"{"key":{"$serde_json::private::RawValue":"{"}}"#;
    let Flattened { fields: flattened } = serde_json::from_str(json).unwrap();
    let reader = serde_json::from_reader(json.as_bytes()).unwrap();
    for fields in [parse(json).unwrap(), reader, flattened] {
        assert_eq!(serde_json::to_string(&fields.expose()).unwrap(), json);
    }
}

#[test]
fn value_in_place_of_the_fields_is_not_quoted() {
    for json in
        ["\"PLANTED\"", "\"PLANTED\\n\"", "75983", "-75983", "7.5983", "true", "[\"PLANTED\"]"]
    {
        for (source, outcome) in from_every_source(json) {
            let error = match source {
                // This is the error of the struct around the fields.
                "flatten" => continue,
                _ => outcome.unwrap_err(),
            };
            assert!(!error.contains("PLANTED") && !error.contains("5983"), "{source}: {error}");
        }
    }
    let plain = Fields::deserialize(StrDeserializer::<PlainError>::new("PLANTED")).unwrap_err();
    assert!(!plain.to_string().contains("PLANTED"), "{plain}");
    let names = MapDeserializer::<_, PlainError>::new([(75_983, "PLANTED")].into_iter());
    let error = Fields::deserialize(names).unwrap_err().to_string();
    assert!(!error.contains("PLANTED") && !error.contains("5983"), "{error}");
}

/// JSON values whose strings and numbers are recognizable.
fn planted() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        (0..1000).prop_map(|n| json!(759_830_000 + n)),
        "PLANTED[a-z\"\\\\\n\u{e9}]{0,5}".prop_map(|text| json!(text)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| json!(list)),
            prop::collection::btree_map("[ab]|PLANTED", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

/// A type of each kind that `serde` deserializes.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only the errors count")]
#[serde(deny_unknown_fields)]
struct Typed {
    a: u16,
    b: Option<Choice>,
    c: Option<Vec<bool>>,
    d: Option<(f32, char)>,
    e: Option<BTreeMap<String, i8>>,
    f: Option<SecretString>,
    g: Option<std::net::IpAddr>,
    h: Option<Nested>,
    i: Option<Box<serde_json::value::RawValue>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only the errors count")]
enum Choice {
    First,
    Second(u8),
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only the errors count")]
#[serde(deny_unknown_fields)]
struct Nested {
    a: u8,
    b: String,
}

/// Types that `serde` buffers and deserializes without the deserializer of a field.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only the errors count")]
#[serde(tag = "a")]
enum Tagged {
    First {
        b: Nested,
    },
    #[serde(untagged)]
    Other {
        c: Nested,
        d: u8,
    },
}

/// A type that passes its text to every kind of error.
struct Hostile {
    _never: u8,
}

impl<'de> Deserialize<'de> for Hostile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Err(match text.len() % 3 {
            0 => D::Error::unknown_field(&text, &[]),
            1 => D::Error::unknown_variant(&text, &[]),
            _ => D::Error::custom(text),
        })
    }
}

/// Reads the first value, and rejects it as if it were a name.
struct HostileFields;

impl<'de> Deserialize<'de> for HostileFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = BTreeMap::<String, serde_json::Value>::deserialize(deserializer)?;
        let text = fields.into_values().next().unwrap_or_default().to_string();
        Err(D::Error::unknown_field(&text, &[]))
    }
}

proptest! {
    #[test]
    fn no_error_quotes_a_value(
        fields in prop::collection::btree_map("[a-i]", planted(), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let json = json!(fields).to_string();
        let quotes = |text: &str| text.contains("PLANTED") || text.contains("75983");
        for (source, outcome) in from_every_source(&json) {
            let fields = outcome.unwrap();
            let errors = [
                fields.parse::<Typed>().err(), fields.parse::<Tagged>().err(),
                fields.parse::<HostileFields>().err(),
                fields.parse::<BTreeMap<String, Hostile>>().err(),
            ];
            for error in errors.into_iter().flatten() {
                prop_assert!(!quotes(&format!("{error} {error:?}")), "{source}: {error:?}");
            }
            for (name, value) in &fields {
                let errors = [
                    value.parse::<u8>().err(), value.parse::<Choice>().err(),
                    value.parse::<Nested>().err(), value.parse::<Vec<Nested>>().err(),
                    value.parse::<()>().err(), value.parse::<Fields>().err(),
                    value.parse::<Hostile>().err(), value.parse::<HostileFields>().err(),
                ];
                for error in errors.into_iter().flatten() {
                    prop_assert!(!quotes(&format!("{error} {error:?}")), "{name}: {error:?}");
                }
            }
        }
        // Invalid JSON: the document ends too early.
        let end = cut.index(json.len());
        if let Some(Err(error)) = json.get(..end).map(parse) {
            prop_assert!(!quotes(&error.to_string()), "{error}");
        }
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Database<'a> {
    user: &'a str,
    password: String,
    port: u16,
    tls: bool,
    ratio: f64,
    mode: Mode,
    replicas: Option<Vec<String>>,
    comment: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Read,
    Write { limit: u32 },
}

#[test]
fn fields_are_parsed_into_a_struct_with_scalars_as_such_or_as_text() {
    let as_such = r#"{"user":"app","password":"p\n","port":5432,"tls":true,"ratio":0.5,
        "mode":"read","replicas":["a","b"],"comment":null,"other":{"x":1}}"#;
    let as_text = r#"{"user":"app","password":"p\n","port":"5432","tls":"true","ratio":"0.5",
        "mode":"read","replicas":["a","b"]}"#;
    for json in [as_such, as_text] {
        let fields = parse(json).unwrap();
        let database: Database<'_> = fields.parse().unwrap();
        let expected = Database {
            user: "app",
            password: "p\n".into(),
            port: 5432,
            tls: true,
            ratio: 0.5,
            mode: Mode::Read,
            replicas: Some(vec!["a".into(), "b".into()]),
            comment: None,
        };
        assert_eq!(database, expected);
    }
    let object = parse(r#"{"mode":{"write":{"limit":7}}}"#).unwrap();
    assert_eq!(object.get("mode").unwrap().parse::<Mode>().unwrap(), Mode::Write { limit: 7 });
}

#[test]
fn parse_error_names_the_field_and_what_is_expected() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only the errors count")]
    #[serde(deny_unknown_fields)]
    struct Typed {
        port: u16,
        mode: Option<Mode>,
        address: Option<std::net::IpAddr>,
        nested: Option<BTreeMap<String, u8>>,
    }
    let (missing, unknown) = (ParseErrorKind::Missing, ParseErrorKind::Unknown);
    let invalid = ParseErrorKind::Invalid;
    let check = |json: &str, kind, field: Option<&str>, text: &str| {
        let error = parse(json).unwrap().parse::<Typed>().unwrap_err();
        assert_eq!((error.kind(), error.field(), &*error.to_string()), (kind, field, text));
    };
    check("{}", missing, Some("port"), "no field `port`");
    check(r#"{"port":"x"}"#, invalid, Some("port"), "field `port`: expected u16");
    check(r#"{"port":70000}"#, invalid, Some("port"), "field `port`: expected u16");
    check(r#"{"port":"70000"}"#, invalid, Some("port"), "field `port`: expected u16");
    check(r#"{"port":[1]}"#, invalid, Some("port"), "field `port`: expected u16");
    check(r#"{"port":1,"x":1}"#, unknown, Some("x"), "unknown field `x`");
    let expected = "field `mode`: expected one of read, write";
    check(r#"{"port":1,"mode":"append"}"#, invalid, Some("mode"), expected);
    check(
        r#"{"port":1,"address":"a"}"#,
        invalid,
        Some("address"),
        "field `address`: invalid value",
    );
    check(
        r#"{"port":1,"nested":{"a":"b"}}"#,
        invalid,
        Some("nested"),
        "field `nested`: expected a map",
    );
    let error = parse("{}").unwrap().parse::<Vec<u8>>().unwrap_err();
    assert_eq!((error.field(), &*error.to_string()), (None, "expected a sequence"));
    // The type rejects the value in the words for a field that it does not know.
    let fields = parse(r#"{"x":"abc"}"#).unwrap();
    let error = fields.parse::<BTreeMap<String, Hostile>>().err().unwrap();
    assert_eq!((error.kind(), &*error.to_string()), (invalid, "field `x`: invalid value"));
}

#[test]
fn constructed_values_are_their_json() {
    let object = Fields::new().with("a", "\"").with("n", Value::null());
    let list = Value::list([1.into(), "x\n".into(), Value::object(object), Value::list([])]);
    let none = None::<bool>;
    for (value, kind, expected) in [
        (Value::null(), ValueKind::Null, json!(null)),
        (none.into(), ValueKind::Null, json!(null)),
        (true.into(), ValueKind::Bool, json!(true)),
        (Value::from(i64::MIN), ValueKind::Number, json!(i64::MIN)),
        (Value::from_serialize(&0.5).unwrap(), ValueKind::Number, json!(0.5)),
        ("text".into(), ValueKind::Text, json!("text")),
        (String::from("text").into(), ValueKind::Text, json!("text")),
        (SecretString::from("text").into(), ValueKind::Text, json!("text")),
        (list, ValueKind::List, json!([1, "x\n", { "a": "\"", "n": null }, []])),
        (Value::object(Fields::new()), ValueKind::Object, json!({})),
    ] {
        assert_eq!(serde_json::to_value(value.expose()).unwrap(), expected);
        assert_eq!(value.kind(), kind, "{expected}");
        assert_eq!(value.is_null(), expected.is_null());
        assert!(value.same_as(&serde_json::from_value(expected).unwrap()));
    }
    let widest = Value::from(i128::MIN);
    assert_eq!(widest.as_json().unwrap().expose_secret(), i128::MIN.to_string());
}

#[test]
fn type_is_serialized_into_fields() {
    #[derive(Serialize)]
    struct Login {
        user: &'static str,
        #[serde(serialize_with = "serialize_exposed")]
        password: SecretString,
        port: u16,
    }
    let login = Login { user: "app", password: "s3cret".into(), port: 5432 };
    let fields = Fields::from_serialize(&login).unwrap();
    let expected = Fields::new().with("user", "app").with("password", "s3cret").with("port", 5432);
    assert!(fields.same_as(&expected));
    for not_an_object in [json!("text"), json!([1]), json!(null)] {
        let error = Fields::from_serialize(&not_an_object).err();
        assert_eq!(error, Some(SerializeError::NotAnObject));
    }
    let no_string_keys = BTreeMap::from([((1, 2), "a")]);
    assert_eq!(Fields::from_serialize(&no_string_keys).err(), Some(SerializeError::NotJson));
}

#[test]
fn fields_behave_like_a_map() {
    let mut fields: Fields = [("b", "2"), ("a", "1")].into_iter().collect();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert!(fields.contains("a") && !fields.contains("c"));
    assert_eq!((fields.len(), fields.is_empty(), fields.iter().len()), (2, false, 2));
    assert!(fields.insert("a", 3).is_some() && fields.insert("c", true).is_none());
    assert!(fields.remove("b").is_some() && fields.get("b").is_none());
    fields.extend([("d", Value::null())]);
    let owned: Vec<_> = fields.into_iter().map(|(name, value)| (name, value.kind())).collect();
    let expected = [("a", ValueKind::Number), ("c", ValueKind::Bool), ("d", ValueKind::Null)];
    assert_eq!(owned, expected.map(|(name, kind)| (name.to_owned(), kind)));
}
