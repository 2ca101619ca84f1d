//! The names of the login methods.

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
