//! The kinds of errors, and in one table what each kind means for the caller.

/// The kind of an [`Error`](crate::Error).
///
/// [`semantics`](Self::semantics) says how to react to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No connection could be established: refused, unknown host, or timed out.
    Unreachable,
    /// The TLS handshake failed, for example because the server's certificate is not trusted.
    Tls,
    /// The deadline or the first-byte limit passed.
    Timeout,
    /// The queue for a concurrency permit is full, or no permit became free before the deadline.
    Overloaded,
    /// The connection closed before the response was complete.
    Interrupted,
    /// The server is sealed or not initialized.
    Sealed,
    /// The cluster has no active node, or this node cannot reach it.
    NoLeader,
    /// An administrator has locked the namespace.
    NamespaceLocked,
    /// The namespace is sealed. Other namespaces of the server may be unsealed.
    NamespaceSealed,
    /// A rate limit of the server was exceeded.
    RateLimited,
    /// A standby has not yet replicated the state that the request requires.
    ReplicationLag,
    /// The mount is being upgraded to KV version 2, which takes well under a second. A standby of
    /// OpenBao, which serves reads, also reports this until it has noticed a new mount.
    Upgrading,
    /// The server failed with any other 5xx.
    Server,
    /// The response is not a valid response of Vault: not JSON, truncated, too large or compressed.
    Malformed,
    /// A redirect that is not followed.
    Redirected,
    /// 403 that names the token as the cause: it is revoked, expired, used up or unknown.
    /// Unconfirmed until the token has been looked up.
    TokenInvalid,
    /// 403 in the wording of a policy denial. Unconfirmed until the token has been looked up.
    Denied,
    /// 403 without a reason: no token, an address outside the token's CIDR blocks, or any dead
    /// token on OpenBao.
    Forbidden,
    /// A login was rejected, or no credential is left to try.
    LoginRefused,
    /// Nothing is stored at the path.
    NotFound,
    /// No secrets engine is mounted at the path.
    NoMount,
    /// The namespace does not exist.
    NoNamespace,
    /// Check-and-set: the current version differs from the expected one.
    CasMismatch,
    /// Check-and-set: the mount or the secret requires a version.
    CasRequired,
    /// The request exceeds the server's size limit.
    TooLarge,
    /// The server rejected the request with any other 4xx, or the request could not be built.
    Rejected,
}

/// What an [`ErrorKind`] means for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorSemantics {
    /// Whether an idempotent request may be sent again.
    pub retryable: bool,
    /// Whether the server gave no definite answer, so that a cached value may be served within its
    /// staleness limit.
    pub may_serve_stale: bool,
    /// Whether a write that failed with this kind may have been executed.
    pub executed: Executed,
}

/// Whether the server may have executed a request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Executed {
    /// The request was certainly not executed.
    No,
    /// The client cannot know whether the request was executed.
    Maybe,
}

impl ErrorKind {
    /// Returns whether an error of this kind may be retried, whether a stale value may be served
    /// in its place, and whether a write may have been executed.
    pub const fn semantics(self) -> ErrorSemantics {
        use Executed::{Maybe, No};
        let (retryable, may_serve_stale, executed) = match self {
            Self::Unreachable
            | Self::Sealed
            | Self::RateLimited
            | Self::ReplicationLag
            | Self::Upgrading => (true, true, No),
            Self::Timeout | Self::Interrupted | Self::NoLeader | Self::Server => {
                (true, true, Maybe)
            }
            Self::Malformed | Self::Redirected => (false, true, Maybe),
            // An immediate retry would fail again: neither the server's certificate nor the
            // credential of a login changes within a request's deadline.
            // An operator unseals a namespace, which takes longer.
            Self::Tls
            | Self::LoginRefused
            | Self::TokenInvalid
            | Self::Overloaded
            | Self::NamespaceSealed => (false, true, No),
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
        ErrorSemantics { retryable, may_serve_stale, executed }
    }

    /// Returns the kind in snake case, as in the labels of metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Overloaded => "overloaded",
            Self::Interrupted => "interrupted",
            Self::Sealed => "sealed",
            Self::NoLeader => "no_leader",
            Self::NamespaceLocked => "namespace_locked",
            Self::NamespaceSealed => "namespace_sealed",
            Self::RateLimited => "rate_limited",
            Self::ReplicationLag => "replication_lag",
            Self::Upgrading => "upgrading",
            Self::Server => "server",
            Self::Malformed => "malformed",
            Self::Redirected => "redirected",
            Self::TokenInvalid => "token_invalid",
            Self::Denied => "denied",
            Self::Forbidden => "forbidden",
            Self::LoginRefused => "login_refused",
            Self::NotFound => "not_found",
            Self::NoMount => "no_mount",
            Self::NoNamespace => "no_namespace",
            Self::CasMismatch => "cas_mismatch",
            Self::CasRequired => "cas_required",
            Self::TooLarge => "too_large",
            Self::Rejected => "rejected",
        }
    }

    /// Returns the cause in lower case, for use in messages.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Unreachable => "cannot connect to the server",
            Self::Tls => "TLS handshake failed",
            Self::Timeout => "timed out",
            Self::Overloaded => "too many requests are queued",
            Self::Interrupted => "connection closed before the response was complete",
            Self::Sealed => "the server is sealed or not initialized",
            Self::NoLeader => "the cluster has no active node",
            Self::NamespaceLocked => "the namespace is locked",
            Self::NamespaceSealed => "the namespace is sealed",
            Self::RateLimited => "rate limit exceeded",
            Self::ReplicationLag => "the standby has not yet replicated the required state",
            Self::Upgrading => "the mount is being upgraded to KV version 2",
            Self::Server => "server error",
            Self::Malformed => "malformed response",
            Self::Redirected => "redirect not followed",
            Self::TokenInvalid => "invalid token (revoked, expired, used up or unknown)",
            Self::Denied => "permission denied by policy",
            Self::Forbidden => "permission denied",
            Self::LoginRefused => "login failed",
            Self::NotFound => "not found",
            Self::NoMount => "no secrets engine is mounted at this path",
            Self::NoNamespace => "namespace not found",
            Self::CasMismatch => "check-and-set version mismatch",
            Self::CasRequired => "check-and-set version required",
            Self::TooLarge => "request too large",
            Self::Rejected => "request rejected",
        }
    }
}
