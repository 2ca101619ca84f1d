//! The shape of a document.

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
