//! Settings from the environment, by the conventions of the programs `vault` and `bao`.
//!
//! [`Client::from_env`](crate::Client::from_env) and [`FixedToken::from_env`](crate::FixedToken::from_env)
//! read the variables of this table; nothing else in this crate reads the environment. As in `bao`, a
//! variable `BAO_…` hides the one `VAULT_…`, even if it is empty, and an empty variable is one that is
//! not set.
//!
//! | variable | meaning |
//! |---|---|
//! | `VAULT_ADDR` | the address; the default is `https://127.0.0.1:8200` |
//! | `VAULT_NAMESPACE` | the namespace of requests that name none |
//! | `VAULT_CACERT`, else `VAULT_CACERT_BYTES`, else `VAULT_CAPATH` | the trusted certificates: a PEM file, PEM text, a directory of PEM files |
//! | `VAULT_CLIENT_CERT`, `VAULT_CLIENT_KEY` | the PEM files of the client certificate |
//! | `VAULT_TLS_SERVER_NAME` | the name in the server's certificate |
//! | `VAULT_CLIENT_TIMEOUT` | the deadline of an operation, retries included: seconds, or a duration such as `1m30s` |
//! | `VAULT_PROXY_ADDR`, else `VAULT_HTTP_PROXY` | the address of an HTTP proxy |
//! | `VAULT_SKIP_VERIFY` | `false`; `true` is an error, because certificates are always verified |
//! | `VAULT_TOKEN`, else the file `.vault-token` in the home directory | the token of [`FixedToken`](crate::FixedToken) |
//!
//! Plain `http` is allowed to this machine only. `VAULT_MAX_RETRIES` has no effect, because retries
//! end at the deadline; neither have `VAULT_AGENT_ADDR`, `VAULT_RATE_LIMIT`, `VAULT_SRV_LOOKUP` and
//! token helpers.

mod client;
mod error;
mod parse;
mod token;
mod variable;

#[cfg(test)]
mod tests;

pub use self::error::{EnvError, EnvProblem};
pub use self::token::token;
pub use self::variable::{Variable, find};
