//! The address of the server, validated.

pub(crate) mod error;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;
use http::uri::{self, Authority, PathAndQuery, Scheme};

use self::error::AddressError;
use crate::path::ApiPath;

/// Whether `http://` addresses are allowed beyond this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Plaintext {
    /// `http://` is allowed only to `localhost`, `127.0.0.0/8` and `::1`.
    #[default]
    LoopbackOnly,
    /// `http://` is allowed to any host. Tokens and secrets are then sent unencrypted.
    DangerAnywhere,
}

/// The address of a server: scheme, host, optional port and optional base path.
///
/// The conversions from strings allow `http://` only to this machine, as
/// [`Plaintext::LoopbackOnly`]. [`Address::parse`] can allow it to any host.
///
/// ```
/// use vault_http::Address;
///
/// let address: Address = "https://vault.example.com:8200/".parse()?;
/// assert_eq!(address.to_string(), "https://vault.example.com:8200");
/// assert!("http://vault.example.com:8200".parse::<Address>().is_err());
/// # Ok::<(), vault_http::AddressError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    tls: bool,
    authority: Authority,
    base: Option<ApiPath>,
    plaintext: Plaintext,
}

impl Address {
    /// Parses an address such as `https://vault.example.com:8200/proxy`. White space and slashes at
    /// either end are ignored.
    ///
    /// # Errors
    /// [`AddressError`] names the rule that `text` violates.
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

    /// Returns the address that the programs `vault` and `bao` use if none is set.
    pub(crate) fn default_of_programs() -> Self {
        let authority = Authority::from_static("127.0.0.1:8200");
        Self { tls: true, authority, base: None, plaintext: Plaintext::LoopbackOnly }
    }

    /// Parses the address of an HTTP proxy for connections to `self`, which is plain HTTP without a
    /// path.
    ///
    /// If the server has TLS, the proxy may be any host because it forwards encrypted bytes.
    /// Otherwise the rule for plaintext applies to the proxy as well.
    pub(crate) fn parse_proxy(&self, text: &str) -> Result<Self, AddressError> {
        let plaintext = if self.tls { Plaintext::DangerAnywhere } else { self.plaintext };
        let proxy = Self::parse(text, plaintext)?;
        if proxy.tls {
            return Err(AddressError::ProxyTls);
        }
        if proxy.base.is_some() { Err(AddressError::ProxyPath) } else { Ok(proxy) }
    }

    /// Returns whether the scheme is `https`.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Returns the host, without the brackets of an IPv6 address.
    pub(crate) fn host(&self) -> &str {
        without_brackets(self.authority.host())
    }

    /// Returns the port, which may be that of the scheme.
    #[cfg(feature = "tracing")]
    pub(crate) fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.tls { 443 } else { 80 })
    }

    /// Returns whether plain HTTP is allowed beyond this machine.
    pub(crate) fn plaintext(&self) -> Plaintext {
        self.plaintext
    }

    /// Returns the URI of `path` below `v1`, with a percent-encoded query such as `list=true`.
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

/// Like [`Address::parse`] with [`Plaintext::LoopbackOnly`].
impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text, Plaintext::LoopbackOnly)
    }
}

/// Like [`Address::parse`] with [`Plaintext::LoopbackOnly`].
impl TryFrom<&str> for Address {
    type Error = AddressError;

    fn try_from(text: &str) -> Result<Self, AddressError> {
        text.parse()
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
    // `Authority` accepts `host:` and ports above 65535.
    let after_host = authority.as_str().strip_prefix(host).unwrap_or_default();
    let port_ok = after_host.is_empty() || authority.port_u16().is_some_and(|port| port != 0);
    let bracketed = host.starts_with('[');
    let ip_ok = !bracketed || without_brackets(host).parse::<IpAddr>().is_ok();
    let valid = !host.is_empty() && port_ok && ip_ok && is_unchanged_in_url(host);
    if valid { Ok(()) } else { Err(AddressError::Host) }
}

/// Returns whether URL parsing leaves the host unchanged. It would interpret `0x7f.1` as
/// `127.0.0.1` and percent-decode the host.
fn is_unchanged_in_url(host: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(&format!("https://{host}/")) else { return false };
    let in_url = url.host_str().unwrap_or_default();
    match (without_brackets(host).parse::<IpAddr>(), without_brackets(in_url).parse::<IpAddr>()) {
        (Ok(ours), Ok(theirs)) => ours == theirs,
        (Err(_), Err(_)) => host.eq_ignore_ascii_case(in_url),
        _ => false,
    }
}

impl Plaintext {
    /// Returns whether plain HTTP is allowed to `host`. Applies to the server, to the targets of
    /// redirects, and to proxies.
    pub(crate) fn allows(self, host: &str) -> bool {
        self == Self::DangerAnywhere || is_loopback(host)
    }
}

fn is_loopback(host: &str) -> bool {
    let host = without_brackets(host);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Returns the host without the brackets of an IPv6 address.
pub(crate) fn without_brackets(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::PathError;

    fn check(input: &str, expected: Result<&str, AddressError>) {
        let actual = Address::parse(input, Plaintext::LoopbackOnly).map(|a| a.to_string());
        assert_eq!(actual, expected.map(str::to_owned), "{input:?}");
    }

    #[test]
    fn address_is_normalized() {
        check("https://vault.example.com:8200", Ok("https://vault.example.com:8200"));
        check(" https://vault.example.com:8200// ", Ok("https://vault.example.com:8200"));
        check("HTTPS://v/base/path/", Ok("https://v/base/path"));
        check("http://127.0.0.1:8200", Ok("http://127.0.0.1:8200"));
        check("http://localhost", Ok("http://localhost"));
        check("http://[::1]:8200", Ok("http://[::1]:8200"));
        check("http://[::ffff:127.0.0.1]", Ok("http://[::ffff:127.0.0.1]"));
    }

    #[test]
    fn malformed_address_is_rejected() {
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
    fn conversions_allow_plain_http_to_loopback_only() {
        assert_eq!("https://v/b".parse::<Address>().unwrap().to_string(), "https://v/b");
        assert_eq!(Address::try_from("http://[::1]").unwrap().to_string(), "http://[::1]");
        for result in ["http://vault".parse::<Address>(), Address::try_from("http://vault")] {
            let error = result.unwrap_err();
            assert_eq!(error, AddressError::Plaintext);
            assert!(error.to_string().starts_with("the address is plain http"), "{error}");
        }
        let error = "https://v//x".parse::<Address>().unwrap_err();
        assert!(error.to_string().starts_with("the address has a base path that has an empty"));
    }

    #[test]
    fn plaintext_to_any_host_is_accepted_if_allowed() {
        assert!(Address::parse("http://vault", Plaintext::DangerAnywhere).is_ok());
    }

    #[test]
    fn uri_is_below_the_base_path_and_v1() {
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
