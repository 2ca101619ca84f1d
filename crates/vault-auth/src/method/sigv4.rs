//! Signatures of AWS requests, version 4:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>.
//!
//! Pure: the caller supplies the time. Only requests to the path `/` without a query are signed.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who signs, for what service and when.
#[derive(Debug)]
pub(super) struct Signer<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) secret_access_key: &'a SecretString,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    /// The time, such as `20150830T123600Z`, which is also a header of the request.
    pub(super) timestamp: &'a str,
}

impl Signer<'_> {
    /// Returns the header `Authorization` of a request. All its headers are signed, and no two have
    /// the same name.
    pub(super) fn authorization(
        &self,
        method: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Zeroizing<String> {
        let Self { access_key_id, region, service, timestamp, .. } = self;
        let mut headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), without_runs_of_spaces(value)))
            .collect();
        headers.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let names: Vec<_> = headers.iter().map(|(name, _)| &**name).collect();
        let names = names.join(";");
        let mut request = Zeroizing::new(format!("{method}\n/\n\n"));
        for (name, value) in &headers {
            request.extend([name, ":", value, "\n"]);
        }
        request.extend(["\n", &names, "\n", &hex(&Sha256::digest(body))]);

        let date = timestamp.split('T').next().unwrap_or_default();
        let scope = format!("{date}/{region}/{service}/aws4_request");
        let digest = hex(&Sha256::digest(request.as_bytes()));
        let text = format!("{ALGORITHM}\n{timestamp}\n{scope}\n{digest}");
        let signature = hex(&*hmac(&*self.key(date), &text));
        Zeroizing::new(format!(
            "{ALGORITHM} Credential={access_key_id}/{scope}, SignedHeaders={names}, \
             Signature={signature}"
        ))
    }

    /// Derives the key of one day, region and service.
    fn key(&self, date: &str) -> Zeroizing<[u8; 32]> {
        let secret = Zeroizing::new(format!("AWS4{}", self.secret_access_key.expose_secret()));
        let key = hmac(secret.as_bytes(), date);
        let key = hmac(&*key, self.region);
        let key = hmac(&*key, self.service);
        hmac(&*key, "aws4_request")
    }
}

fn hmac(key: &[u8], text: &str) -> Zeroizing<[u8; 32]> {
    // Any length of a key is valid.
    let keyed = Hmac::<Sha256>::new_from_slice(key);
    let code = keyed.map(|keyed| keyed.chain_update(text).finalize().into_bytes());
    Zeroizing::new(code.unwrap_or_default().into())
}

/// Returns a value without spaces at its ends, and with single spaces in it.
fn without_runs_of_spaces(value: &str) -> Zeroizing<String> {
    let words: Vec<_> = value.split(' ').filter(|word| !word.is_empty()).collect();
    Zeroizing::new(words.join(" "))
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMESTAMP: &str = "20150830T123600Z";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// Signs with the key of the vectors. Returns what follows the scope.
    fn sign(
        (region, service): (&str, &str),
        method: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> String {
        let secret = SecretString::from(SECRET);
        let signer = Signer {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: &secret,
            region,
            service,
            timestamp: TIMESTAMP,
        };
        let headers = [&[("X-Amz-Date", TIMESTAMP)], headers].concat();
        let authorization = signer.authorization(method, &headers, body);
        let scope = format!("20150830/{region}/{service}/aws4_request");
        let head = format!("{ALGORITHM} Credential=AKIDEXAMPLE/{scope}, SignedHeaders=");
        authorization.strip_prefix(&head).unwrap().to_owned()
    }

    /// The vectors of AWS for requests to `/` without a query.
    #[test]
    fn signature_is_that_of_the_published_vectors() {
        const STS_TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQ\
            WLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2\
            wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xV\
            qr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxB\
            A==";
        let check = |method: &str, headers: &[(&str, &str)], body: &str, expected: [&str; 2]| {
            let headers = [&[("Host", "example.amazonaws.com")], headers].concat();
            let actual = sign(("us-east-1", "service"), method, &headers, body);
            let [names, signature] = expected;
            assert_eq!(actual, format!("{names}, Signature={signature}"), "{method} {headers:?}");
        };
        // get-vanilla
        let expected = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        check("GET", &[], "", ["host;x-amz-date", expected]);
        // post-vanilla
        let expected = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        check("POST", &[], "", ["host;x-amz-date", expected]);
        // get-header-value-trim
        let headers = [("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")];
        let expected = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736";
        check("GET", &headers, "", ["host;my-header1;my-header2;x-amz-date", expected]);
        // post-header-key-sort
        let headers = [("My-Header1", "value1")];
        let expected = "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c";
        check("POST", &headers, "", ["host;my-header1;x-amz-date", expected]);
        // post-header-value-case
        let headers = [("My-Header1", "VALUE1")];
        let expected = "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d";
        check("POST", &headers, "", ["host;my-header1;x-amz-date", expected]);
        // post-x-www-form-urlencoded
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        let expected = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
        check("POST", &headers, "Param1=value1", ["content-type;host;x-amz-date", expected]);
        // post-sts-header-before
        let headers = [("X-Amz-Security-Token", STS_TOKEN)];
        let expected = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead";
        check("POST", &headers, "", ["host;x-amz-date;x-amz-security-token", expected]);
    }

    /// The expected signatures are those of botocore 1.43.11.
    #[test]
    fn signature_of_a_caller_identity_request_is_that_of_botocore() {
        let check = |region: &str, host: &str, expected: &str| {
            let headers = [
                ("Host", host),
                ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
                ("X-Amz-Security-Token", "session/token=="),
                ("X-Vault-AWS-IAM-Server-ID", "vault.example.com"),
            ];
            let body = "Action=GetCallerIdentity&Version=2011-06-15";
            let names =
                "content-type;host;x-amz-date;x-amz-security-token;x-vault-aws-iam-server-id";
            let actual = sign((region, "sts"), "POST", &headers, body);
            assert_eq!(actual, format!("{names}, Signature={expected}"), "{region}");
        };
        let expected = "137c7369791abe6c2f7cc3f826679adea38f97302b08020b63cec40d19d9ec74";
        check("us-east-1", "sts.amazonaws.com", expected);
        let expected = "fb3564383ec0b181a4575c7abd7bd1fa1d03c766bc2d1bd7e5c7962a01b0a9e5";
        check("eu-west-1", "sts.eu-west-1.amazonaws.com", expected);
    }
}
