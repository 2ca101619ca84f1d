//! Validation of documents whose names and escapes `serde_json` does not check.

mod escaped;
mod names;
mod plain;

#[cfg(test)]
mod tests;

/// The shape of a document, as far as it matters for the envelope of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonShape {
    Null,
    Object,
    /// An object with a member `errors` that is not null.
    Errors,
    /// An array or a scalar.
    Other,
}

/// Returns the shape of `body`, or `None` if it is not JSON, is nested too deeply, or has a
/// duplicate name in an object, which parsers interpret differently.
///
/// See [RFC 8259, section 4](https://www.rfc-editor.org/rfc/rfc8259#section-4) on duplicate names.
pub(crate) fn validate(body: &[u8]) -> Option<JsonShape> {
    let text = str::from_utf8(body).ok()?;
    // Most documents have no escapes, and one pass suffices for those. It also rejects numbers that
    // no `f64` can hold, so that the other implementation decides on whatever it rejects.
    let plain = if body.contains(&b'\\') { None } else { plain::validate(text) };
    plain.or_else(|| escaped::validate(text))
}
