//! Tests of the log capture, in a process of their own, because they log secrets on purpose.

use std::io;

use testkit::leaks::{mark_in, watch};
use testkit::secret;

#[test]
fn every_form_of_a_secret_is_seen() {
    let value = secret("name");
    let hex = value.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    for (text, seen) in [
        (format!("key={value}"), true),
        (format!("{:?}", value.as_bytes()), true),
        (hex, true),
        ("UExBTlRFRC1uYW1l".to_owned(), true),
        ("X-Vault-Token: hvs.CAESI".to_owned(), true),
        ("planted by nobody".to_owned(), false),
    ] {
        assert_eq!(mark_in(&text).is_some(), seen, "{text}");
    }
}

#[test]
#[should_panic(expected = "a secret was logged")]
fn a_test_that_logs_a_secret_fails() {
    let watch = watch();
    tracing::trace!("harmless, and kept");
    assert_eq!(watch.logged("harmless, and kept").len(), 1);
    tracing::trace!(value = secret("event"), "deep down");
}

#[test]
#[should_panic(expected = "an error holds a secret")]
fn a_source_that_shows_a_secret_is_found() {
    let error = io::Error::other(io::Error::other(secret("source")));
    watch().error(&error);
}
