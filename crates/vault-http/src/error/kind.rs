//! What can go wrong in an exchange, and in one table what each kind means for the caller.

/// The kind of an [`Error`](crate::Error). [`ErrorKind::semantics`] says what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No connection could be made: refused, no such host, no answer in time.
    Unreachable,
    /// The TLS handshake failed, or the server's certificate was refused.
    Tls,
    /// The deadline passed.
    Timeout,
    /// Too many requests wait for a place in flight.
    Overloaded,
    /// The connection broke before the whole answer was there.
    Interrupted,
    /// The server is sealed or not initialised.
    Sealed,
    /// The cluster has no active node, or this one can't reach it.
    NoLeader,
    /// The namespace is locked: somebody did that on purpose.
    NamespaceLocked,
    /// The server limits the rate of requests.
    RateLimited,
    /// A standby is behind the state that was asked for.
    ReplicationLag,
    /// The mount is being upgraded to KV version 2, well under a second.
    Upgrading,
    /// The server failed: any other 5xx.
    Server,
    /// The answer is none of Vault's: not JSON, not whole, too large, compressed.
    Malformed,
    /// A redirect that is not followed.
    Redirected,
    /// 403: the token is revoked, expired, used up or unknown. Before a look-up it is a hint.
    TokenInvalid,
    /// 403 in the words of a policy. Before a look-up it is a hint.
    Denied,
    /// 403 without a reason: no token, an address outside the token's range, or OpenBao.
    Forbidden,
    /// A login was refused, or there is no credential left that could be tried.
    LoginRefused,
    /// Nothing is stored there.
    NotFound,
    /// No engine is mounted there, or not at this point of the path.
    NoMount,
    /// There is no such namespace.
    NoNamespace,
    /// Check-and-set: the version is another one.
    CasMismatch,
    /// Check-and-set: the mount or the secret demands it.
    CasRequired,
    /// The request is larger than the server takes.
    TooLarge,
    /// The server refuses the request as it is: any other 4xx.
    Rejected,
}

/// What a [`ErrorKind`] means for the one who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorSemantics {
    /// Whether a request that changes nothing may be sent again.
    pub retryable: bool,
    /// Whether the server could not be asked, so that an older answer may be used within bounds.
    /// `false`: it was asked and said no.
    pub may_serve_stale: bool,
    /// Whether a write that met this may have been executed all the same.
    pub executed: Executed,
}

/// Whether a request that failed may have done its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Executed {
    /// Certainly not.
    No,
    /// Nobody here can tell.
    Maybe,
}

impl ErrorKind {
    /// The table: may it be retried, may stale be served, may it have been executed.
    pub const fn semantics(self) -> ErrorSemantics {
        use Executed::{Maybe, No};
        let (retry, stale, executed) = match self {
            Self::Unreachable | Self::Sealed | Self::RateLimited | Self::ReplicationLag => {
                (true, true, No)
            }
            Self::Timeout | Self::Interrupted | Self::NoLeader | Self::Server => {
                (true, true, Maybe)
            }
            Self::Upgrading => (true, false, No),
            Self::Malformed | Self::Redirected => (false, true, Maybe),
            // A refused certificate stays refused; the credential of a login too, for a while.
            Self::Tls | Self::LoginRefused | Self::TokenInvalid | Self::Overloaded => {
                (false, true, No)
            }
            Self::NamespaceLocked
            | Self::Denied
            | Self::Forbidden
            | Self::NotFound
            | Self::NoMount
            | Self::NoNamespace
            | Self::CasMismatch
            | Self::CasRequired
            | Self::TooLarge
            | Self::Rejected => (false, false, No),
        };
        ErrorSemantics { retryable: retry, may_serve_stale: stale, executed }
    }

    /// A lower-case fragment for messages.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Unreachable => "the server can't be reached",
            Self::Tls => "no trusted TLS connection",
            Self::Timeout => "no answer within the deadline",
            Self::Overloaded => "too many requests wait already",
            Self::Interrupted => "the connection broke before the answer was whole",
            Self::Sealed => "the server is sealed or not initialised",
            Self::NoLeader => "the cluster has no active node",
            Self::NamespaceLocked => "the namespace is locked",
            Self::RateLimited => "the server limits the rate of requests",
            Self::ReplicationLag => "the standby is behind",
            Self::Upgrading => "the mount is being upgraded to KV version 2",
            Self::Server => "the server failed",
            Self::Malformed => "the answer is not one of Vault's",
            Self::Redirected => "the answer is a redirect that is not followed",
            Self::TokenInvalid => "the token is not valid: revoked, expired, used up or unknown",
            Self::Denied => "permission denied by policy",
            Self::Forbidden => "permission denied",
            Self::LoginRefused => "the login was refused",
            Self::NotFound => "nothing is stored there",
            Self::NoMount => "no secrets engine is mounted there",
            Self::NoNamespace => "there is no such namespace",
            Self::CasMismatch => "the stored version is not the expected one",
            Self::CasRequired => "a check-and-set version is required",
            Self::TooLarge => "the value is larger than the server takes",
            Self::Rejected => "the server refuses the request",
        }
    }
}
