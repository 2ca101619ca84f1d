use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use secrecy::ExposeSecret;
use vault_http::{Error, ErrorKind};

use super::*;

fn read(content: &[u8]) -> Result<String, Error> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    let secret = Credential::File(file.path().to_owned()).read_blocking()?;
    Ok(secret.expose_secret().to_owned())
}

#[test]
fn one_trailing_line_ending_is_removed() {
    assert_eq!(read(b"pass word \r\n").unwrap(), "pass word ");
    assert_eq!(read(b"a\n\n").unwrap(), "a\n");
    assert_eq!(read(b"a").unwrap(), "a");
}

#[test]
fn unusable_file_is_an_error_that_names_it() {
    for content in [&b""[..], b"\n", b"\xff\xfe", &vec![b'a'; 70_000]] {
        assert_eq!(read(content).unwrap_err().kind(), ErrorKind::LoginRefused);
    }
    let missing = Credential::File("/nonexistent/token".into()).read_blocking().unwrap_err();
    assert!(missing.to_string().contains("/nonexistent/token"), "{missing}");
}

#[cfg(unix)]
#[test]
fn device_directory_and_fifo_are_refused_without_blocking() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for path in [Path::new("/dev/zero"), directory.path(), &fifo] {
        let error = Credential::File(path.to_owned()).read_blocking().unwrap_err();
        assert_eq!(error.detail(), "the credential file is not a regular file", "{error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn file_readable_by_others_is_warned_of_once_by_path_alone() {
    let check = async |mode: u32, warnings: usize| {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "PLANTED-x").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(file.path(), mode).unwrap();
        let credential = CredentialReader::new(Credential::File(file.path().to_owned()));
        for _ in 0..3 {
            credential.read(accept_any).await.unwrap();
        }
        let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let path = file.path().display().to_string();
        assert_eq!(logged.matches(&path).count(), warnings, "{logged}");
        assert!(!logged.contains("PLANTED"));
    };
    check(0o600, 0).await;
    check(0o640, 0).await;
    check(0o644, 1).await;
}

#[derive(Clone, Default)]
struct Log(std::sync::Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn unusable_file_leaves_the_last_valid_content_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("id");
    let reader = CredentialReader::new(Credential::File(file.clone()));
    let is_complete = |text: &str| text.ends_with('.');
    let now =
        async || Ok::<_, Error>(reader.read_trimmed(is_complete).await?.expose_secret().to_owned());
    assert_eq!(now().await.unwrap_err().kind(), ErrorKind::LoginRefused);
    std::fs::write(&file, " first. \n").unwrap();
    assert_eq!(now().await.unwrap(), "first.");
    for bad in [&b""[..], b" \n", b"\xff", b"seco"] {
        std::fs::write(&file, bad).unwrap();
        assert_eq!(now().await.unwrap(), "first.", "{bad:?}");
    }
    std::fs::write(&file, "second.").unwrap();
    assert_eq!(now().await.unwrap(), "second.");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(now().await.unwrap(), "second.");
}

/// Returns what a reader reads of a provider whose responses are these, one for each login. `None`
/// never responds.
async fn provided(responses: Vec<Option<Result<&'static str, &'static str>>>) -> Vec<String> {
    let left = std::sync::Arc::new(Mutex::new(responses.clone().into_iter()));
    let reader = CredentialReader::new(Credential::provider(move || {
        let response = left.lock().unwrap().next().unwrap();
        async move {
            match response {
                Some(response) => response.map(SecretString::from),
                None => std::future::pending().await,
            }
        }
    }));
    let mut read = Vec::new();
    for _ in responses {
        read.push(match reader.read(accept_any).await {
            Ok(secret) => secret.expose_secret().to_owned(),
            Err(error) => error.to_string(),
        });
    }
    read
}

#[tokio::test(start_paused = true)]
async fn provider_that_fails_leaves_the_last_valid_value_in_use() {
    let responses =
        vec![Some(Ok("first")), Some(Err("out of order")), None, Some(Ok(" ")), Some(Ok("second"))];
    assert_eq!(provided(responses).await, ["first", "first", "first", "first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn provider_that_never_succeeded_is_a_classified_error() {
    let responses = vec![Some(Err("out of order")), None, Some(Ok("")), Some(Ok("first"))];
    let expected = [
        "obtain the credential: login failed: the credential provider failed",
        "obtain the credential: timed out: the credential provider does not respond",
        "obtain the credential: login failed: the credential provider returned an empty credential",
        "first",
    ];
    assert_eq!(provided(responses).await, expected);
}

#[tokio::test]
async fn cause_of_a_failed_provider_is_the_source_of_the_error() {
    let failing = || async { Err::<SecretString, _>(std::io::Error::other("no route")) };
    let reader = CredentialReader::new(Credential::provider(failing));
    let error = reader.read(accept_any).await.unwrap_err();
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no route");
    // A server has not refused it, so that it is retried with backoff.
    assert_eq!((error.kind(), error.status()), (ErrorKind::LoginRefused, None));
}
