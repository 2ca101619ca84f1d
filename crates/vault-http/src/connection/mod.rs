//! The [`Transport`](crate::transport::Transport) over `reqwest`: one connection pool per origin,
//! HTTP/1.1 with keep-alive.
//!
//! Every feature of `reqwest` that could send a token to the wrong place or send a request twice is
//! disabled: redirects, retries, proxies from the environment, cookies and decompression.

pub(crate) mod config;
mod connector;
pub(crate) mod dns;
mod endpoint;
mod error;
pub(crate) mod pool;
pub(crate) mod tls;
