//! Values that are read and written leave no copy in memory after they are dropped. A server in
//! memory takes the place of connections, because the HTTP and TLS libraries do not zeroize their
//! buffers.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use testkit::memory;
use vault_http::test_util::MemoryServer;
use vault_http::zeroizing::ZeroizingBytes;
use vault_http::{Address, Client, FixedToken, Plaintext, Session, Token};
use vault_kv::{Cas, Fields, Kv, Mount, Secret, SecretPath};

const METADATA: &[u8] = br#""metadata":{"version":1,"created_time":"","deletion_time":""}"#;

/// Returns the body of a response to a read: a value of `lines` lines, separated by `escape`.
fn stored(lines: usize, escape: &[u8]) -> Bytes {
    let mut body = ZeroizingBytes::new(Vec::with_capacity(lines * (64 + escape.len()) + 200));
    body.extend_from_slice(br#"{"data":{"data":{"key":""#);
    memory::plant(lines, |c| match c {
        '\n' => body.extend_from_slice(escape),
        c => body.push(c as u8),
    });
    body.extend_from_slice(br#"","n":1},"#);
    body.extend_from_slice(METADATA);
    body.extend_from_slice(b"}}");
    Bytes::from_owner(body)
}

fn kv(lines: usize, escape: &'static [u8]) -> Kv {
    let server = MemoryServer::new(move |request| async move {
        let body = match (request.method(), request.uri().path()) {
            (&Method::GET, "/v1/secret/data/a") => stored(lines, escape),
            (&Method::GET, _) => {
                let mount = br#"{"data":{"path":"secret/","type":"kv","options":{"version":"2"}}}"#;
                Bytes::from_static(mount)
            }
            _ => Bytes::from_static(br#"{"data":{"version":1,"created_time":""}}"#),
        };
        Ok(MemoryServer::json(200, body))
    });
    let address = Address::parse("https://vault.test", Plaintext::LoopbackOnly).unwrap();
    let client = Client::builder(address).transport(server).build().unwrap();
    let tokens = FixedToken::new(Token::new(&"hvs.x".into()).unwrap());
    Kv::new(Session::new(client, tokens), Mount::new("secret").unwrap())
}

/// A secret as a type.
#[derive(Serialize, Deserialize)]
struct Typed {
    #[serde(serialize_with = "vault_kv::serialize_exposed")]
    key: SecretString,
    n: u64,
}

/// Reads and writes values with few and many lines, and with escapes of different lengths.
#[tokio::main(flavor = "current_thread")]
async fn read_and_write() -> Vec<(Secret, Fields)> {
    let path = SecretPath::new("a").unwrap();
    let mut kept = Vec::new();
    for (lines, escape) in
        [(30, &br"\n"[..]), (30, br"\u0001"), (11_000, br"\u003c"), (11_000, br"\u00e9")]
    {
        let kv = kv(lines, escape);
        let secret = kv.read(&path).await.unwrap();
        let text = secret.fields.text("key").unwrap();
        assert!(text.expose_secret().len() >= lines * 65 - 1);
        let fields = Fields::new().with("key", text.clone());
        kv.write(&path, &fields, Cas::Any).await.unwrap();
        let typed: Typed = kv.read_as(&path).await.unwrap();
        assert_eq!((typed.key.expose_secret(), typed.n), (text.expose_secret(), 1));
        kv.write_value(&path, &typed, Cas::Any).await.unwrap();
        kept.push((secret, fields));
    }
    kept
}

#[test]
#[ignore = "a child of dropped_values_leave_no_copy_in_memory"]
fn child_that_drops_values() {
    drop(read_and_write());
    memory::wait_for_search().unwrap();
}

#[test]
#[ignore = "a child of dropped_values_leave_no_copy_in_memory"]
fn child_that_keeps_values() {
    let kept = read_and_write();
    memory::wait_for_search().unwrap();
    drop(kept);
}

#[test]
fn dropped_values_leave_no_copy_in_memory() {
    let marks = |child| memory::marks_in_child(child).unwrap();
    assert_ne!(marks("child_that_keeps_values"), 0, "the search finds values that are kept");
    assert_eq!(marks("child_that_drops_values"), 0);
}
