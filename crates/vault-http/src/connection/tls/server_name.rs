//! The server name of the TLS handshake.

use std::net::IpAddr;

use rustls::pki_types::ServerName;

use super::error::TlsError;

/// Validates a server name that is set for connections to `host`. Returns `None` if it is `host`.
pub(crate) fn validate(name: &str, host: &str) -> Result<Option<String>, TlsError> {
    match ServerName::try_from(name).map_err(|_| TlsError::ServerName)? {
        _ if name.eq_ignore_ascii_case(host) => Ok(None),
        // The server name becomes the host of the request's URL. An IP address there would be
        // connected to, in place of the configured one.
        ServerName::IpAddress(ip) => match host.parse::<IpAddr>() {
            Ok(host) if IpAddr::from(ip) == host => Ok(None),
            _ => Err(TlsError::ServerAddress),
        },
        _ => Ok(Some(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ip_address_as_server_name_must_be_the_host() {
        let check = |name: &str, host: &str, expected: Result<Option<&str>, TlsError>| {
            assert_eq!(validate(name, host), expected.map(|name| name.map(str::to_owned)));
        };
        check("no name!", "vault", Err(TlsError::ServerName));
        check("vault.example.com", "10.0.0.1", Ok(Some("vault.example.com")));
        check("vault", "VAULT", Ok(None));
        check("10.0.0.1", "10.0.0.1", Ok(None));
        check("::1", "0:0:0:0:0:0:0:1", Ok(None));
        check("10.0.0.1", "10.0.0.2", Err(TlsError::ServerAddress));
        check("10.0.0.1", "vault", Err(TlsError::ServerAddress));
    }
}
