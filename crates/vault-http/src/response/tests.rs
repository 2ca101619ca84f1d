use secrecy::{ExposeSecret, SecretString};
use testkit::memory;

use super::*;
use crate::json;
use crate::zeroizing;

#[derive(Deserialize)]
struct Data {
    #[serde(deserialize_with = "json::secret_string")]
    value: SecretString,
}

/// Returns a response that was read in chunks, and its value of `lines` lines.
fn read_in_chunks(lines: usize) -> (Response, SecretString) {
    let mut sent = ZeroizingBytes::new(Vec::with_capacity(lines * 66 + 100));
    sent.extend_from_slice(br#"{"data":{"value":""#);
    memory::plant(lines, |c| match c {
        '\n' => sent.extend_from_slice(br"\n"),
        c => sent.push(c as u8),
    });
    sent.extend_from_slice(br#""}}"#);
    let mut body = ZeroizingBytes::default();
    for chunk in sent.chunks(1_000) {
        assert!(zeroizing::append(&mut body, chunk, 4 * 1024 * 1024));
    }
    assert_eq!(json::validate(&body), Some(json::JsonShape::Object));
    let request = Request::get(ApiPath::from_static("secret/data/a"));
    let response = Response::new(StatusCode::OK, body, &request);
    let value = response.data::<Data>().unwrap().value;
    assert_eq!(value.expose_secret().len(), lines * 65 - 1);
    (response, value)
}

#[test]
#[ignore = "run as a child process by response_leaves_no_copy_in_memory"]
fn child_that_drops_responses() {
    for lines in [30, 12_000] {
        drop(read_in_chunks(lines));
    }
    memory::wait_for_search().unwrap();
}

#[test]
#[ignore = "run as a child process by response_leaves_no_copy_in_memory"]
fn child_that_keeps_a_response() {
    let kept = read_in_chunks(30);
    memory::wait_for_search().unwrap();
    drop(kept);
}

#[test]
fn response_leaves_no_copy_in_memory() {
    let marks = |child: &str| memory::marks_in_child(&format!("response::tests::{child}")).unwrap();
    assert_ne!(marks("child_that_keeps_a_response"), 0, "the search finds a response that is kept");
    assert_eq!(marks("child_that_drops_responses"), 0);
}
