//! The span of an attempt, or none without the feature `tracing`.
//!
//! Its fields have the names of OpenTelemetry's [HTTP client spans]. `url.full` has no query, and no
//! field contains a header or a body.
//!
//! [HTTP client spans]: https://opentelemetry.io/docs/specs/semconv/http/http-spans/

#[cfg(feature = "tracing")]
mod facade {
    use std::future::Future;

    use tracing::field::Empty;
    use tracing::{Instrument as _, Span, debug_span};

    use crate::address::Address;
    use crate::error::Error;
    use crate::request::Request;
    use crate::response::Response;

    /// A span that costs a look at an atomic variable unless a subscriber is interested in it.
    pub(crate) struct AttemptSpan(Span);

    impl AttemptSpan {
        pub(crate) fn new(
            address: &Address,
            request: &Request,
            method: &'static str,
            resends: u32,
        ) -> Self {
            Self(debug_span!(
                target: "vault_http::request",
                "request",
                otel.name = method,
                otel.kind = "client",
                otel.status_code = Empty,
                http.request.method = method,
                http.request.resend_count = (resends > 0).then_some(resends),
                http.response.status_code = Empty,
                server.address = address.host(),
                server.port = address.port(),
                url.full = %format_args!("{address}/v1/{}", request.path),
                error.type = Empty,
            ))
        }

        /// Runs `attempt` within the span.
        pub(crate) async fn enter<F: Future>(&self, attempt: F) -> F::Output {
            attempt.instrument(self.0.clone()).await
        }

        /// Records the outcome of the attempt.
        pub(crate) fn record(&self, outcome: &Result<Response, Error>) {
            if self.0.is_disabled() {
                return;
            }
            let (status, error) = match outcome {
                Ok(response) => (Some(response.status()), None),
                Err(error) => (error.status(), Some(error.kind())),
            };
            if let Some(status) = status {
                self.0.record("http.response.status_code", status);
            }
            if let Some(kind) = error {
                self.0.record("error.type", kind.name());
                self.0.record("otel.status_code", "ERROR");
            }
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod facade {
    use std::future::Future;

    use crate::address::Address;
    use crate::error::Error;
    use crate::request::Request;
    use crate::response::Response;

    /// The place of a span.
    pub(crate) struct AttemptSpan;

    impl AttemptSpan {
        pub(crate) fn new(_: &Address, _: &Request, _: &'static str, _: u32) -> Self {
            Self
        }

        pub(crate) async fn enter<F: Future>(&self, attempt: F) -> F::Output {
            attempt.await
        }

        #[expect(clippy::unused_self, reason = "like the span of the facade")]
        pub(crate) fn record(&self, _: &Result<Response, Error>) {}
    }
}

pub(super) use facade::AttemptSpan;
