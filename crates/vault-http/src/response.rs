//! An answer that may be read: its status and its body, typed on demand.

use std::fmt;
use std::time::SystemTime;

use http::header::{DATE, HeaderMap};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use tokio::time::Instant;

use crate::error::Error;
use crate::kind::ErrorKind;
use crate::path::ApiPath;
use crate::request::Request;
use crate::zeroizing::ZeroizingBytes;

/// An answer without an error: any 2xx, and a 404 that carries data in place of `errors`.
pub struct Response {
    status: StatusCode,
    body: ZeroizingBytes,
    operation: Request,
    sent_at: Instant,
    /// The `Date` header, parsed on demand.
    date: Option<HeaderValue>,
}

impl Response {
    /// A response to `request`; [`with_times`](Self::with_times) sets its times.
    pub(crate) fn new(status: StatusCode, body: ZeroizingBytes, request: &Request) -> Self {
        let operation = Request::new(request.method.clone(), request.path.clone());
        Self { status, body, operation, sent_at: Instant::now(), date: None }
    }

    /// Adds when the request was sent, and when the server answered by its own clock.
    pub(crate) fn with_times(self, sent_at: Instant, headers: &HeaderMap) -> Self {
        Self { sent_at, date: headers.get(DATE).cloned(), ..self }
    }

    /// A point in time just before the request was sent: the server answered later.
    pub fn sent_at(&self) -> Instant {
        self.sent_at
    }

    /// The time of the answer by the server's clock, in whole seconds, from the
    /// [`Date`](https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1) header. Compare it with other
    /// times of the same server only.
    pub fn date(&self) -> Option<SystemTime> {
        self.date.as_ref().and_then(|date| http_date(date.to_str().ok()?))
    }

    /// The status of the answer.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The path that was asked.
    pub fn path(&self) -> &ApiPath {
        &self.operation.path
    }

    /// The whole body as `T`, which may borrow from it.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`], which tells nothing of the body.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        let text = str::from_utf8(&self.body).ok();
        // The parser's own error may quote what it read.
        text.and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(|| self.malformed("not the expected JSON"))
    }

    /// The `data` of the envelope as `T`.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`], when there is none or it has another shape.
    pub fn data<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        #[derive(Deserialize)]
        struct Envelope<T> {
            data: T,
        }
        Ok(self.json::<Envelope<T>>()?.data)
    }

    /// Checks that the status is one with which Vault answers this operation. A 404 without `errors`
    /// is KV's answer about a deleted version, and for anything else a gateway's own.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`]. Something that answers 4xx in Vault's place did not pass the request on,
    /// so it was certainly not executed.
    pub fn expect_status(&self, statuses: &[u16]) -> Result<(), Error> {
        if statuses.contains(&self.status()) {
            return Ok(());
        }
        let error = self.malformed("Vault does not answer this with that status");
        Err(if self.status.is_client_error() { error.mark_not_executed() } else { error })
    }

    /// The error that this answer is when it lacks what its reader needs.
    pub fn malformed(&self, detail: &'static str) -> Error {
        self.operation.error(ErrorKind::Malformed).with_status(self.status).with_detail(detail)
    }

    /// An error of `kind` with this answer's method, path and status.
    pub fn error(&self, kind: ErrorKind) -> Error {
        self.operation.error(kind).with_status(self.status)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({:?}, {})", self.operation, self.status.as_u16())
    }
}

/// Parses the [form of a date](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7) that servers
/// must send: the same parts as in RFC 3339, in another order.
fn http_date(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = text.split_once(", ")?;
    let mut parts = date.strip_suffix(" GMT")?.splitn(4, ' ');
    let (day, month, year, time) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    humantime::parse_rfc3339(&format!("{year}-{month:02}-{day}T{time}Z")).ok()
}

#[cfg(test)]
mod date_tests {
    use super::*;

    #[test]
    fn date_is_parsed_in_the_form_that_servers_send() {
        for (text, expected) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 29 Feb 2024 23:59:59 GMT", Some(1_709_251_199)),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 6 Nov 1994 08:49:37 GMT", None),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun, 30 Feb 2024 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37.5 GMT GMT", None),
            ("1994-11-06T08:49:37Z", None),
            ("", None),
        ] {
            let since =
                http_date(text).and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
            assert_eq!(since.map(|since| since.as_secs()), expected, "{text}");
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use secrecy::{ExposeSecret, SecretString};

    use super::*;
    use crate::json;
    use crate::zeroizing;
    use testkit::memory;

    #[derive(Deserialize)]
    struct Data {
        #[serde(deserialize_with = "json::secret_string")]
        value: SecretString,
    }

    /// A response whose value has `lines` lines, read in chunks, and the value.
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
    #[ignore = "a child of response_leaves_no_copy_in_memory"]
    fn child_that_drops_responses() {
        for lines in [30, 12_000] {
            drop(read_in_chunks(lines));
        }
        memory::wait_for_search().unwrap();
    }

    #[test]
    #[ignore = "a child of response_leaves_no_copy_in_memory"]
    fn child_that_keeps_a_response() {
        let kept = read_in_chunks(30);
        memory::wait_for_search().unwrap();
        drop(kept);
    }

    #[test]
    fn response_leaves_no_copy_in_memory() {
        let marks =
            |child: &str| memory::marks_in_child(&format!("response::tests::{child}")).unwrap();
        assert_ne!(marks("child_that_keeps_a_response"), 0, "the search finds what is there");
        assert_eq!(marks("child_that_drops_responses"), 0);
    }
}
