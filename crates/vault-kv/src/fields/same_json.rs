//! Comparison of JSON texts by meaning. Vault sorts keys, escapes characters differently and rounds
//! numbers, so that a value that is read back may differ from what was written.

use secrecy::zeroize::Zeroize;
use serde_json::Value;

/// Returns whether both texts have the same meaning. Numbers are compared in double precision, as
/// Vault stores them. A text that is not JSON equals only itself.
pub(crate) fn same_json(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let parse = |text| serde_json::from_str::<Value>(text).ok();
    let (Some(mut a), Some(mut b)) = (parse(a), parse(b)) else { return false };
    let same = same(&a, &b);
    zeroize(&mut a);
    zeroize(&mut b);
    same
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

fn zeroize(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(zeroize),
        Value::Object(values) => values.values_mut().for_each(zeroize),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_texts_with_the_same_meaning_are_equal() {
        let check = |a: &str, b: &str, expected: bool| {
            assert_eq!(same_json(a, b), expected, "{a} {b}");
            assert_eq!(same_json(b, a), expected, "{b} {a}");
        };
        check(r#"{"b":1,"a":[true,null]}"#, r#"{ "a": [true, null], "b": 1 }"#, true);
        check(r#"{"a":"<\u00e9>"}"#, r#"{"a":"\u003cé\u003e"}"#, true);
        check("1.0", "1", true);
        check("1e3", "1000", true);
        check("12345678901234567890.10", "12345678901234567000", true);
        check("[1,2]", "[2,1]", false);
        check(r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false);
        check(r#"{"a":null}"#, r#"{"b":null}"#, false);
        check(r#"{"a":"x"}"#, r#"{"a":"y"}"#, false);
        check(r#""1""#, "1", false);
        check("1", "2", false);
        check("true", "1", false);
        check("not JSON", "not JSON", true);
        check("not JSON", "other", false);
    }
}
