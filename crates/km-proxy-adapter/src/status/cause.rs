//! The cause of a request's failure, without the request.

use std::error::Error as StdError;

use vault_http::Error;

/// Returns the cause of an error without its method and path, which may name a virtual key.
pub(super) fn cause(error: &Error) -> String {
    let mut text = error.detail().to_owned();
    if let Some(status) = error.status() {
        text = format!("{text} (status {status})");
    }
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        match cause.downcast_ref::<Error>() {
            Some(error) => text.push_str(error.detail()),
            None => text.push_str(&cause.to_string()),
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use vault_http::ErrorKind;

    use super::*;

    #[test]
    fn cause_does_not_contain_the_path_of_a_request() {
        let inner = Error::new(ErrorKind::Unreachable, "GET secret/data/virtual-keys/alias")
            .with_source(io::Error::other("connection refused"));
        let outer = Error::new(ErrorKind::NoLeader, "GET secret/data/virtual-keys/alias")
            .with_detail("cannot connect to the node that sys/leader names")
            .with_source(inner);
        assert_eq!(
            cause(&outer),
            "cannot connect to the node that sys/leader names: cannot connect to the server: \
             connection refused"
        );
    }
}
