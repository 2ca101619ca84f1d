//! Rejects requests that a web page or a proxy sends.
//!
//! A web page can make a browser on this machine send requests to loopback, under its own host name
//! after DNS rebinding. Such requests carry a foreign `Host` or an `Origin`. A
//! request that a proxy has forwarded comes from another machine. The token does not matter for
//! either.

use std::net::SocketAddr;

use http::header::{FORWARDED, HOST, ORIGIN, VIA};
use http::{HeaderMap, Request};

/// The headers that browsers and proxies add, besides those that begin with [`FORWARDED_PREFIX`].
const FOREIGN: [http::HeaderName; 4] =
    [ORIGIN, FORWARDED, VIA, http::HeaderName::from_static("x-real-ip")];

const FORWARDED_PREFIX: &str = "x-forwarded-";

/// The port that a client leaves out of `Host`.
const HTTP_PORT: u16 = 80;

/// The reason for a rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// `Host` is missing, or is not the listener's address.
    Host,
    /// The request has a header that a browser or a proxy adds.
    Forwarded,
}

/// Verifies the headers of a request. `listener` is the address of a TCP listener, or `None` for a
/// Unix socket, where `Host` has no meaning.
pub(crate) fn check<B>(
    request: &Request<B>,
    listener: Option<SocketAddr>,
) -> Result<(), Rejection> {
    let is_foreign = |name: &http::HeaderName| {
        FOREIGN.contains(name) || name.as_str().starts_with(FORWARDED_PREFIX)
    };
    if request.headers().keys().any(is_foreign) {
        return Err(Rejection::Forwarded);
    }
    // A target with an authority takes precedence over `Host`, and clients send it to proxies only.
    let is_for_proxy = request.uri().authority().is_some();
    match listener {
        Some(listener) if is_for_proxy || !is_addressed(request.headers(), listener) => {
            Err(Rejection::Host)
        }
        _ => Ok(()),
    }
}

/// Returns whether the only `Host` is the listener's address or `localhost`, with its port.
fn is_addressed(headers: &HeaderMap, listener: SocketAddr) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let Ok(host) = host.to_str() else {
        return false;
    };
    let port = listener.port();
    let with_port = |host: &str| format!("{host}:{port}");
    let is = |text: &str| {
        let address = text.parse::<SocketAddr>().is_ok_and(|address| address == listener);
        address || text.eq_ignore_ascii_case(&with_port("localhost"))
    };
    is(host) || port == HTTP_PORT && is(&with_port(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)], target: &str) -> Request<()> {
        let request = Request::builder().uri(target);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap()
    }

    #[test]
    fn host_that_is_not_the_listeners_address_is_rejected() {
        for (listener, host, expected) in [
            ("127.0.0.1:8210", "127.0.0.1:8210", true),
            ("127.0.0.1:8210", "localhost:8210", true),
            ("127.0.0.1:8210", "LocalHost:8210", true),
            ("127.0.0.1:8210", "127.0.0.1", false),
            ("127.0.0.1:8210", "localhost", false),
            ("127.0.0.1:8210", "127.0.0.1:8211", false),
            ("127.0.0.1:8210", "127.0.0.2:8210", false),
            ("127.0.0.1:8210", "[::1]:8210", false),
            ("127.0.0.1:8210", "evil.example", false),
            ("127.0.0.1:8210", "evil.example:8210", false),
            ("127.0.0.1:8210", "localhost.:8210", false),
            ("127.0.0.1:8210", "localhost:8210.evil.example", false),
            ("127.0.0.1:8210", "evil@127.0.0.1:8210", false),
            ("127.0.0.1:8210", "127.0.0.1:8210, evil.example", false),
            ("127.0.0.1:8210", "127.0.0.1:08210x", false),
            ("127.0.0.1:8210", "", false),
            ("[::1]:8210", "[::1]:8210", true),
            ("[::1]:8210", "[0:0:0:0:0:0:0:1]:8210", true),
            ("[::1]:8210", "::1:8210", false),
            ("127.0.0.1:80", "127.0.0.1", true),
            ("127.0.0.1:80", "localhost", true),
            ("127.0.0.1:80", "localhost:80", true),
            ("127.0.0.1:80", "localhost:81", false),
            ("[::1]:80", "[::1]", true),
        ] {
            let checked = check(&request(&[("host", host)], "/x"), Some(listener.parse().unwrap()));
            assert_eq!(checked.is_ok(), expected, "{listener} {host:?}");
        }
    }

    #[test]
    fn missing_repeated_or_overridden_host_is_rejected() {
        let listener = Some("127.0.0.1:8210".parse().unwrap());
        let host = ("host", "127.0.0.1:8210");
        assert_eq!(check(&request(&[], "/x"), listener), Err(Rejection::Host));
        assert_eq!(check(&request(&[host, host], "/x"), listener), Err(Rejection::Host));
        for target in ["http://evil.example/x", "http://127.0.0.1:8210/x", "evil.example:443"] {
            assert_eq!(
                check(&request(&[host], target), listener),
                Err(Rejection::Host),
                "{target}"
            );
        }
        // A Unix socket has no address.
        assert_eq!(check(&request(&[], "/x"), None), Ok(()));
        assert_eq!(check(&request(&[("host", "km")], "/x"), None), Ok(()));
    }

    #[test]
    fn header_of_a_browser_or_a_proxy_is_rejected_on_every_listener() {
        let listener: SocketAddr = "127.0.0.1:8210".parse().unwrap();
        for name in [
            "origin",
            "forwarded",
            "via",
            "x-real-ip",
            "x-forwarded-for",
            "X-Forwarded-Host",
            "x-forwarded-proto",
            "x-forwarded-anything",
        ] {
            for value in ["", "null", "http://127.0.0.1:8210"] {
                let request = request(&[("host", "127.0.0.1:8210"), (name, value)], "/x");
                for listener in [Some(listener), None] {
                    assert_eq!(check(&request, listener), Err(Rejection::Forwarded), "{name}");
                }
            }
        }
    }
}
