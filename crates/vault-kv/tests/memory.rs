//! Values that are read and written leave no copy in memory that is not zeroized.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../tests/src/memory.rs"]
#[expect(unreachable_pub, reason = "taken in as it is")]
mod memory;

use secrecy::{ExposeSecret, SecretString};
use vault_http::zeroizing::ZeroizingBytes;
use vault_http::{ApiPath, Request};
use vault_kv::Fields;

/// Fields whose value has `lines` lines, parsed from JSON in which `escape` separates them.
fn parsed(lines: usize, escape: &[u8]) -> Fields {
    let mut sent = ZeroizingBytes::new(Vec::with_capacity(lines * (64 + escape.len()) + 100));
    sent.extend_from_slice(br#"{"key":""#);
    memory::plant(lines, |c| match c {
        '\n' => sent.extend_from_slice(escape),
        c => sent.push(c as u8),
    });
    sent.extend_from_slice(br#"","n":1}"#);
    serde_json::from_slice(&sent).unwrap()
}

/// Parses values with few and many lines, and with escapes of different lengths, and puts them into
/// the bodies of requests.
fn read_and_write() -> Vec<(Fields, Request)> {
    let sizes = [(30, &br"\n"[..]), (30, br"\u0001"), (11_000, br"\u003c"), (11_000, br"\u00e9")];
    let write = |(lines, escape)| {
        let fields = parsed(lines, escape);
        let path = ApiPath::from_static("secret/data/a");
        let request = Request::post(path, &fields.expose()).unwrap();
        let text: SecretString = fields.clone().into_text("key").unwrap();
        assert!(text.expose_secret().len() < request.body_len());
        (fields, request)
    };
    sizes.into_iter().map(write).collect()
}

#[test]
#[ignore = "a child of values_leave_no_copy_in_memory"]
fn child_that_drops_values() {
    drop(read_and_write());
    memory::wait_for_search().unwrap();
}

#[test]
#[ignore = "a child of values_leave_no_copy_in_memory"]
fn child_that_keeps_values() {
    let kept = read_and_write();
    memory::wait_for_search().unwrap();
    drop(kept);
}

#[test]
fn values_leave_no_copy_in_memory() {
    let marks = |child| memory::marks_in_child(child).unwrap();
    assert_ne!(marks("child_that_keeps_values"), 0, "the search finds what is there");
    assert_eq!(marks("child_that_drops_values"), 0);
}
