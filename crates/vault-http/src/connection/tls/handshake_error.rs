//! Descriptions of failed TLS handshakes.

use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError};

/// Describes the first TLS error in the source chain of `error`. Returns `None` if there is none.
pub(crate) fn find_description(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if let Some(tls) = current.downcast_ref::<rustls::Error>() {
            return Some(description(tls));
        }
        // `io::Error::source` skips the error that it wraps.
        let inner = current.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner),
            None => current.source(),
        };
    }
    None
}

/// Describes an error of a TLS handshake.
pub(super) fn description(error: &rustls::Error) -> &'static str {
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(certificate) => describe_certificate(certificate),
        Tls::InvalidMessage(_) => "the server does not speak TLS on this port",
        Tls::PeerIncompatible(_) | Tls::AlertReceived(AlertDescription::ProtocolVersion) => {
            "the server does not support TLS 1.2 or later"
        }
        Tls::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate,
        ) => "the server rejected the client certificate",
        _ => "unexpected TLS error",
    }
}

fn describe_certificate(error: &CertificateError) -> &'static str {
    use CertificateError as Bad;
    match error {
        Bad::Expired | Bad::ExpiredContext { .. } => "the server's certificate has expired",
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            "the server's certificate is not yet valid"
        }
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            "the server's certificate is not valid for this host name"
        }
        // A bad signature means that an authority has the name of a trusted one and another key.
        Bad::UnknownIssuer | Bad::BadSignature => {
            "the server's certificate is signed by an unknown authority"
        }
        Bad::Revoked => "the server's certificate is revoked",
        _ => "the server's certificate is invalid",
    }
}
