//! A login method that may be chosen, and how complete it is.

use super::method::Method;
use super::name::MethodName;
use super::parts::Parts;

/// A login method, and how complete it is.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) name: MethodName,
    pub(super) parts: Parts,
    /// The method, if everything required is present and valid. Optional parts may be missing.
    pub(super) method: Option<Method>,
}

impl Candidate {
    /// Returns whether all parts are present, valid or not.
    pub(super) fn is_complete(&self) -> bool {
        self.parts.missing.is_empty() && self.parts.optional.is_empty()
    }

    /// Returns whether all parts are present that the method needs if `KM_AUTH_METHOD` names it.
    pub(super) fn is_complete_when_named(&self) -> bool {
        self.parts.missing.is_empty()
    }

    /// Returns whether some parts are present and others are missing.
    pub(super) fn is_partial(&self) -> bool {
        !self.parts.present.is_empty() && !self.is_complete()
    }

    /// Lists the parts that are present, for a message.
    pub(super) fn present(&self) -> String {
        self.parts.present.join(" and ")
    }

    /// Lists the parts that are missing, for a message.
    pub(super) fn missing(&self) -> String {
        [&*self.parts.missing, &*self.parts.optional].concat().join(" and ")
    }

    /// Lists the parts that are missing if `KM_AUTH_METHOD` names the method, for a message.
    pub(super) fn missing_when_named(&self) -> String {
        self.parts.missing.join(" and ")
    }
}
