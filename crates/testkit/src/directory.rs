//! A directory that knows names and passwords, and answers binds and searches for a name: as much of
//! LDAP ([RFC 4511](https://www.rfc-editor.org/rfc/rfc4511)) as a login needs.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OCTETS: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const BIND: u8 = 0x60;
const BIND_RESPONSE: u8 = 0x61;
const SEARCH: u8 = 0x63;
const SEARCH_ENTRY: u8 = 0x64;
const SEARCH_DONE: u8 = 0x65;
/// The tag of a password in a bind.
const SIMPLE: u8 = 0x80;

const SUCCESS: u8 = 0;
const INVALID_CREDENTIALS: u8 = 49;

type Passwords = Arc<Mutex<HashMap<String, String>>>;

/// A directory that serves until it is dropped. It knows nobody at first.
pub struct Directory {
    address: SocketAddr,
    passwords: Passwords,
    _serving: JoinSet<()>,
}

impl Directory {
    /// Starts a directory on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, passwords) = (listener.local_addr()?, Passwords::default());
        let known = Arc::clone(&passwords);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let known = Arc::clone(&known);
                // A connection that ends in an error is seen by the client as a failed bind.
                connections.spawn(async move { drop(serve(stream, &known).await) });
            }
        });
        Ok(Self { address, passwords, _serving: serving })
    }

    /// Returns the URL, such as `ldap://127.0.0.1:1234`.
    pub fn url(&self) -> String {
        format!("ldap://{}", self.address)
    }

    /// Sets the password of a distinguished name, such as `cn=gateway,dc=example`.
    pub fn set_password(&self, name: &str, password: &str) {
        let mut passwords = self.passwords.lock().unwrap_or_else(PoisonError::into_inner);
        passwords.insert(name.to_owned(), password.to_owned());
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn serve(mut stream: TcpStream, known: &Passwords) -> Result<()> {
    loop {
        let message = read(&mut stream).await?;
        let mut message = Elements(&message);
        let (tag, id) = message.next().context("a message without an ID")?;
        let (operation, request) = message.next().context("a message without an operation")?;
        let mut respond = async |operation: u8, content: &[u8]| {
            let body = [element(tag, id), element(operation, content)].concat();
            stream.write_all(&element(SEQUENCE, &body)).await
        };
        match operation {
            BIND => respond(BIND_RESPONSE, &result(bind(request, known))).await?,
            SEARCH => {
                if let Some(entry) = entry(request, known) {
                    respond(SEARCH_ENTRY, &entry).await?;
                }
                respond(SEARCH_DONE, &result(SUCCESS)).await?;
            }
            _ => bail!("the client leaves"),
        }
    }
}

/// Encodes a result without a name and a text.
fn result(code: u8) -> Vec<u8> {
    [element(ENUMERATED, &[code]), element(OCTETS, &[]), element(OCTETS, &[])].concat()
}

/// Returns the entry of the name at which a search begins, if it is known. It has one attribute.
fn entry(request: &[u8], known: &Passwords) -> Option<Vec<u8>> {
    let (_, name) = Elements(request).next()?;
    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
    known.get(str::from_utf8(name).ok()?)?;
    let values = element(SET, &element(OCTETS, b"person"));
    let attribute = [element(OCTETS, b"objectClass"), values].concat();
    let attributes = element(SEQUENCE, &element(SEQUENCE, &attribute));
    Some([element(OCTETS, name), attributes].concat())
}

/// Returns the result of a bind. A bind without a password is anonymous, and is not accepted.
fn bind(request: &[u8], known: &Passwords) -> u8 {
    let mut request = Elements(request);
    let (_version, name, password) = (request.next(), request.next(), request.next());
    let (Some((OCTETS, name)), Some((SIMPLE, password))) = (name, password) else {
        return INVALID_CREDENTIALS;
    };
    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let right = str::from_utf8(name).ok().and_then(|name| known.get(name));
    if right.is_some_and(|right| right.as_bytes() == password) {
        SUCCESS
    } else {
        INVALID_CREDENTIALS
    }
}

/// Reads the content of a message.
async fn read(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let (_tag, first) = (stream.read_u8().await?, stream.read_u8().await?);
    let length = match first {
        short @ 0..=0x7f => usize::from(short),
        0x81 => usize::from(stream.read_u8().await?),
        0x82 => usize::from(stream.read_u16().await?),
        _ => bail!("a message of more than 64 KiB"),
    };
    let mut content = vec![0; length];
    stream.read_exact(&mut content).await?;
    Ok(content)
}

/// Encodes an element, whose content is shorter than 128 bytes.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap_or_default();
    [&[tag, length], content].concat()
}

/// The elements of a message or of an operation: tags and contents.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (length, rest) = match self.0.get(1..)? {
            [short @ 0..=0x7f, rest @ ..] => (usize::from(*short), rest),
            [0x81, length, rest @ ..] => (usize::from(*length), rest),
            [0x82, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
            _ => return None,
        };
        let tag = *self.0.first()?;
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }
}
