//! Where the server is: a base address that holds nothing that a base address can't be.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use http::uri::{self, Authority, PathAndQuery, Scheme};

use crate::path::{ApiPath, PathError};

/// Whether `http://` may leave this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Plaintext {
    /// `http://` only to `localhost`, `127.0.0.0/8` and `::1`.
    #[default]
    LoopbackOnly,
    /// `http://` to any host: tokens and secrets cross the network readable.
    DangerAnywhere,
}

/// The server's address: scheme, host, optional port, optional base path.
///
/// White space and slashes around the text are dropped.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    tls: bool,
    authority: Authority,
    base: Option<ApiPath>,
    plaintext: Plaintext,
}

impl Address {
    /// Parses `text`, such as `https://vault.example.com:8200/proxy`.
    ///
    /// # Errors
    /// [`AddressError`] says which rule `text` breaks.
    pub fn parse(text: &str, plaintext: Plaintext) -> Result<Self, AddressError> {
        let text = text.trim().trim_matches('/');
        let (tls, rest) = scheme(text)?;
        if rest.contains(['?', '#']) {
            return Err(AddressError::QueryOrFragment);
        }
        let (authority, base) = match rest.split_once('/') {
            Some((authority, base)) => (authority, Some(ApiPath::parse(base)?)),
            None => (rest, None),
        };
        if authority.contains('@') {
            return Err(AddressError::UserInfo);
        }
        let authority: Authority = authority.parse().map_err(|_| AddressError::Host)?;
        check_host(&authority)?;
        if !tls && !plaintext.allows(authority.host()) {
            return Err(AddressError::Plaintext);
        }
        Ok(Self { tls, authority, base, plaintext })
    }

    /// Parses the address of an HTTP proxy on the way to `self`: plain HTTP without a path. What it
    /// carries is the server's TLS; if the server has none, the way to the proxy is a plaintext hop.
    pub(crate) fn parse_proxy(&self, text: &str) -> Result<Self, AddressError> {
        let plaintext = if self.tls { Plaintext::DangerAnywhere } else { self.plaintext };
        let proxy = Self::parse(text, plaintext)?;
        if proxy.tls {
            return Err(AddressError::ProxyTls);
        }
        if proxy.base.is_some() { Err(AddressError::ProxyPath) } else { Ok(proxy) }
    }

    /// Whether the scheme is `https`.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host, without the brackets of an IPv6 address.
    pub(crate) fn host(&self) -> &str {
        bare(self.authority.host())
    }

    /// Whether plain HTTP may go to hosts other than this machine.
    pub(crate) fn plaintext(&self) -> Plaintext {
        self.plaintext
    }

    /// The URI of `path` below `v1` on this server, with an encoded query such as `list=true`.
    pub(crate) fn uri(&self, path: &ApiPath, query: &str) -> Result<Uri, http::Error> {
        let base = self.base.as_ref().map_or("", ApiPath::as_str);
        let slash = if base.is_empty() { "" } else { "/" };
        let mark = if query.is_empty() { "" } else { "?" };
        let mut parts = uri::Parts::default();
        parts.scheme = Some(if self.tls { Scheme::HTTPS } else { Scheme::HTTP });
        parts.authority = Some(self.authority.clone());
        let path = [slash, base, "/v1/", path.as_str(), mark, query].concat();
        parts.path_and_query = Some(PathAndQuery::try_from(path)?);
        Ok(Uri::from_parts(parts)?)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)?;
        self.base.as_ref().map_or(Ok(()), |base| write!(f, "/{base}"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// Why a text is no server address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Neither `http://` nor `https://` in front.
    #[error("does not begin with `https://` or `http://`")]
    Scheme,
    /// The host or the port is missing or malformed.
    #[error("has no valid host and port")]
    Host,
    /// `user:password@` in front of the host.
    #[error("has user info in it, which would be sent to nobody and shown to everybody")]
    UserInfo,
    /// A `?` or `#`.
    #[error("has a query or a fragment in it")]
    QueryOrFragment,
    /// The base path breaks a rule.
    #[error("has a base path that {0}")]
    Base(#[from] PathError),
    /// A proxy that is reached by TLS.
    #[error("is https: a proxy is reached by http, and what it carries is the server's own TLS")]
    ProxyTls,
    /// A proxy with a path.
    #[error("has a path, and a proxy has none")]
    ProxyPath,
    /// `http://` to a host that is not this machine.
    #[error(
        "is plain http to a host that is not loopback: tokens and secrets would cross the network readable"
    )]
    Plaintext,
}

fn scheme(text: &str) -> Result<(bool, &str), AddressError> {
    let (scheme, rest) = text.split_once("://").ok_or(AddressError::Scheme)?;
    match scheme.to_ascii_lowercase().as_str() {
        "https" => Ok((true, rest)),
        "http" => Ok((false, rest)),
        _ => Err(AddressError::Scheme),
    }
}

fn check_host(authority: &Authority) -> Result<(), AddressError> {
    let host = authority.host();
    // `Authority` takes `host:` and a port above 65535 without a word.
    let after_host = authority.as_str().strip_prefix(host).unwrap_or_default();
    let port_ok = after_host.is_empty() || authority.port_u16().is_some_and(|port| port != 0);
    let bracketed = host.starts_with('[');
    let ip_ok = !bracketed || bare(host).parse::<IpAddr>().is_ok();
    let valid = !host.is_empty() && port_ok && ip_ok && is_same_in_url(host);
    if valid { Ok(()) } else { Err(AddressError::Host) }
}

/// Returns whether a URL has the same host: a URL takes `0x7f.1` for `127.0.0.1`, and decodes `%`.
fn is_same_in_url(host: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(&format!("https://{host}/")) else { return false };
    let in_url = url.host_str().unwrap_or_default();
    match (bare(host).parse::<IpAddr>(), bare(in_url).parse::<IpAddr>()) {
        (Ok(ours), Ok(theirs)) => ours == theirs,
        (Err(_), Err(_)) => host.eq_ignore_ascii_case(in_url),
        _ => false,
    }
}

impl Plaintext {
    /// Returns whether plain HTTP may go to `host`. Holds for each origin that is asked and each
    /// proxy on the way.
    pub(crate) fn allows(self, host: &str) -> bool {
        self == Self::DangerAnywhere || is_loopback(host)
    }
}

fn is_loopback(host: &str) -> bool {
    let host = bare(host);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// The host without the brackets of an IPv6 address.
pub(crate) fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: Result<&str, AddressError>) {
        let actual = Address::parse(input, Plaintext::LoopbackOnly).map(|a| a.to_string());
        assert_eq!(actual, expected.map(str::to_owned), "{input:?}");
    }

    #[test]
    fn addresses() {
        check("https://vault.example.com:8200", Ok("https://vault.example.com:8200"));
        check(" https://vault.example.com:8200// ", Ok("https://vault.example.com:8200"));
        check("HTTPS://v/base/path/", Ok("https://v/base/path"));
        check("http://127.0.0.1:8200", Ok("http://127.0.0.1:8200"));
        check("http://localhost", Ok("http://localhost"));
        check("http://[::1]:8200", Ok("http://[::1]:8200"));
        check("http://[::ffff:127.0.0.1]", Ok("http://[::ffff:127.0.0.1]"));
    }

    #[test]
    fn hostile_addresses() {
        for text in ["", "https://", "vault:8200", "ftp://v", "127.0.0.1:8200", "unix:///run/vault"]
        {
            check(text, Err(AddressError::Scheme));
        }
        for text in [
            "https://:8200",
            "https://v:99999",
            "https://v:0",
            "https://v:",
            "https://a b",
            "https://[v]",
            "https://0x7f.1",
            "https://127.1",
            "https://v%61ult",
        ] {
            check(text, Err(AddressError::Host));
        }
        check("https://user:pw@v", Err(AddressError::UserInfo));
        check("https://v?x=1", Err(AddressError::QueryOrFragment));
        check("https://v/a#f", Err(AddressError::QueryOrFragment));
        check("https://v/../x", Err(AddressError::Base(PathError::DotSegment)));
        for text in [
            "http://0.0.0.0:8200",
            "http://vault",
            "http://10.0.0.1",
            "http://127.0.0.1.evil.example",
        ] {
            check(text, Err(AddressError::Plaintext));
        }
    }

    #[test]
    fn proxy_is_plain_http_without_a_path() {
        let check = |server: &str, proxy: &str, expected: Result<(), AddressError>| {
            let server = Address::parse(server, Plaintext::LoopbackOnly).unwrap();
            assert_eq!(server.parse_proxy(proxy).map(drop), expected, "{proxy}");
        };
        check("https://v", "http://proxy:3128", Ok(()));
        check("https://v", "https://proxy:3128", Err(AddressError::ProxyTls));
        check("https://v", "http://proxy:3128/path", Err(AddressError::ProxyPath));
        check("http://localhost", "http://127.0.0.1:3128", Ok(()));
        check("http://localhost", "http://proxy:3128", Err(AddressError::Plaintext));
    }

    #[test]
    fn plaintext_elsewhere_has_to_be_asked_for() {
        assert!(Address::parse("http://vault", Plaintext::DangerAnywhere).is_ok());
    }

    #[test]
    fn uris_stand_below_v1_and_the_base() {
        let path = ApiPath::from_static("sys/health");
        let uri = |text: &str, query| {
            Address::parse(text, Plaintext::LoopbackOnly)
                .unwrap()
                .uri(&path, query)
                .unwrap()
                .to_string()
        };
        assert_eq!(uri("https://v:1", ""), "https://v:1/v1/sys/health");
        assert_eq!(uri("https://v/b", "list=true"), "https://v/b/v1/sys/health?list=true");
    }
}
