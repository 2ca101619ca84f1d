//! Values of options of the form `VAR=NAME[#FIELD]`.

use super::invalid::InvalidValue;
use crate::dotenv::is_variable;

/// A variable, and the secret or the field of a secret that it is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VariableArg {
    pub(crate) variable: String,
    pub(crate) name: String,
    pub(crate) field: Option<String>,
}

/// Parses `VAR=NAME[#FIELD]`. The last `#` separates the field, so that a name that contains one is
/// written with its field.
///
/// # Errors
///
/// What is missing, or that VAR is not the name of a variable.
pub(crate) fn variable(text: &str) -> Result<VariableArg, InvalidValue> {
    let (variable, secret) =
        text.split_once('=').ok_or(InvalidValue("expected VAR=NAME or VAR=NAME#FIELD"))?;
    if !is_variable(variable) {
        return Err(InvalidValue(
            "VAR must consist of letters, digits and `_`, and not begin with a digit",
        ));
    }
    let (name, field) = match secret.rsplit_once('#') {
        Some((name, field)) => (name, Some(field.to_owned())),
        None => (secret, None),
    };
    if name.is_empty() {
        return Err(InvalidValue("NAME is missing"));
    }
    if field.as_ref().is_some_and(String::is_empty) {
        return Err(InvalidValue("FIELD is missing after `#`"));
    }
    Ok(VariableArg { variable: variable.to_owned(), name: name.to_owned(), field })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_name_and_field_are_separated() {
        for (text, expected) in [
            ("A=B", ("A", "B", None)),
            ("A=folder/B", ("A", "folder/B", None)),
            ("_a1=os.environ/B", ("_a1", "os.environ/B", None)),
            ("A=B#user", ("A", "B", Some("user"))),
            ("A=B#C#key", ("A", "B#C", Some("key"))),
            ("A=B=C", ("A", "B=C", None)),
            ("A=B#a=b", ("A", "B", Some("a=b"))),
        ] {
            let actual = variable(text).unwrap();
            let (name, field) = (actual.name.as_str(), actual.field.as_deref());
            assert_eq!((actual.variable.as_str(), name, field), expected, "{text}");
        }
    }

    #[test]
    fn missing_part_or_invalid_variable_is_rejected_with_its_reason() {
        for (text, expected) in [
            ("", "expected VAR=NAME"),
            ("A", "expected VAR=NAME"),
            ("=B", "VAR must"),
            ("1A=B", "VAR must"),
            ("A-B=C", "VAR must"),
            ("A B=C", "VAR must"),
            ("É=C", "VAR must"),
            ("A\n=C", "VAR must"),
            ("A=", "NAME is missing"),
            ("A=#user", "NAME is missing"),
            ("A=B#", "FIELD is missing"),
        ] {
            let InvalidValue(why) = variable(text).unwrap_err();
            assert!(why.starts_with(expected), "{text}: {why}");
        }
    }
}
