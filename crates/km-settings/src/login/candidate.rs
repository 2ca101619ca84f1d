//! A login method that may be chosen, and how complete it is.

use super::method::Method;
use super::parts::Parts;

/// The name of a method in `KM_AUTH_METHOD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MethodName {
    AppRole,
    Cert,
    Token,
    Jwt,
    Kubernetes,
    Userpass,
}

impl MethodName {
    const ALL: [Self; 6] =
        [Self::AppRole, Self::Cert, Self::Token, Self::Jwt, Self::Kubernetes, Self::Userpass];

    /// Parses a value of `KM_AUTH_METHOD`.
    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == word)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::AppRole => "approle",
            Self::Cert => "cert",
            Self::Token => "token",
            Self::Jwt => "jwt",
            Self::Kubernetes => "kubernetes",
            Self::Userpass => "userpass",
        }
    }

    /// Returns whether the method may be chosen if `KM_AUTH_METHOD` is not set: LiteLLM's three.
    pub(super) fn is_chosen_by_priority(self) -> bool {
        matches!(self, Self::AppRole | Self::Cert | Self::Token)
    }
}

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
