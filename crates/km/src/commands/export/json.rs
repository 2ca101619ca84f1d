//! One JSON object, with the names as members.

use std::collections::BTreeMap;

use km_proxy_adapter::{ErrorKind, json};

use crate::commands::values::Values;
use crate::error::Failure;
use crate::io::output;
use crate::io::secret_text::SecretText;

/// Prints the values.
pub(super) fn print(values: &Values) -> Result<(), Failure> {
    let document: BTreeMap<_, _> =
        values.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
    let failed = |why: &str| {
        let what = format!("internal: cannot write the values as JSON: {why}");
        Failure::new(ErrorKind::Internal, what, "report this bug")
    };
    let bytes = json::to_vec(&document).map_err(|error| failed(&error.to_string()))?;
    let mut text = SecretText::default();
    text.push(str::from_utf8(&bytes).map_err(|_| failed("not UTF-8"))?);
    text.push("\n");
    output::secret_text(&text)
}
