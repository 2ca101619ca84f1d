//! The AWS method with IAM: <https://developer.hashicorp.com/vault/docs/auth/aws>.
//!
//! The credential never leaves the program. The login contains a signed request to AWS's
//! `GetCallerIdentity`, which the server sends to find out who has signed it.

use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use secrecy::ExposeSecret;
use serde::{Serialize, Serializer};
use vault_http::{ApiPath, Error, ErrorKind};

use super::aws_credentials::AwsCredentials;
use super::client::login_path;
use super::sigv4::Signer;
use super::{LoginClient, Method};
use crate::credential::Provider;
use crate::credential::last_valid::LastValid;
use crate::login::Login;

const METHOD: &str = "POST";
const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";
const CONTENT_TYPE: &str = "application/x-www-form-urlencoded; charset=utf-8";
/// The region that signs requests to the global endpoint.
const GLOBAL_REGION: &str = "us-east-1";

/// A login with the IAM identity that AWS credentials belong to.
///
/// ```
/// use vault_auth::{AwsCredentials, AwsIam};
///
/// # fn example() -> Result<(), vault_http::Error> {
/// let method = AwsIam::new("gateway", AwsCredentials::from_env()?).region("eu-west-1");
/// # Ok(())
/// # }
/// ```
///
/// The signature is valid for 15 minutes around the time of the system's clock.
#[derive(Debug)]
pub struct AwsIam {
    mount: ApiPath,
    role: Option<String>,
    credentials: Provider<AwsCredentials>,
    last_valid: LastValid<AwsCredentials>,
    region: String,
    /// The host of the STS endpoint, unless it is that of the region.
    sts_host: Option<String>,
    server_id: Option<String>,
}

impl AwsIam {
    /// Creates the method with a role and fixed credentials, at the mount `aws`.
    pub fn new(role: impl Into<String>, credentials: AwsCredentials) -> Self {
        Self::with_provider(role, fixed(credentials))
    }

    /// Creates the method with a role, and credentials that are obtained at each login, for example
    /// from the metadata service of an instance, at the mount `aws`.
    pub fn with_provider(role: impl Into<String>, credentials: Provider<AwsCredentials>) -> Self {
        Self {
            mount: ApiPath::from_static("aws"),
            role: Some(role.into()),
            credentials,
            last_valid: LastValid::default(),
            region: GLOBAL_REGION.to_owned(),
            sts_host: Some("sts.amazonaws.com".to_owned()),
            server_id: None,
        }
    }

    /// Lets the server choose the role, which is the one with the name of the IAM user or role.
    #[must_use]
    pub fn default_role(mut self) -> Self {
        self.role = None;
        self
    }

    /// Sets the path at which the method is mounted.
    #[must_use]
    pub fn mount(mut self, mount: ApiPath) -> Self {
        self.mount = mount;
        self
    }

    /// Signs for the STS endpoint of a region, such as `sts.eu-west-1.amazonaws.com`. Without a
    /// region, the request is for the global endpoint `sts.amazonaws.com`, as is Vault's default.
    ///
    /// The server sends the request to the endpoint that it is configured with (`sts_endpoint`),
    /// which must be the same one.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self.sts_host = None;
        self
    }

    /// Sets the host of the STS endpoint, with its port if that is not 443, for example that of a
    /// VPC endpoint. To be called after [`region`](Self::region).
    #[must_use]
    pub fn sts_host(mut self, host: impl Into<String>) -> Self {
        self.sts_host = Some(host.into());
        self
    }

    /// Sets the value that the server requires in the signed header `X-Vault-AWS-IAM-Server-ID`
    /// (`iam_server_id_header_value`), so that a login is of no use on another server.
    #[must_use]
    pub fn server_id(mut self, id: impl Into<String>) -> Self {
        self.server_id = Some(id.into());
        self
    }

    /// Obtains the credentials, or returns the last valid ones.
    async fn credentials(&self) -> Result<AwsCredentials, Error> {
        let obtained = self.credentials.obtain().await;
        let valid = obtained.and_then(|credentials| credentials.validate().map(|()| credentials));
        self.last_valid.or_last(valid, |_| true)
    }

    fn host(&self) -> String {
        let region = &self.region;
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        self.sts_host.clone().unwrap_or_else(|| format!("sts.{region}.{domain}"))
    }

    fn validate(&self, host: &str) -> Result<(), Error> {
        let is_name = |text: &str, others: &[char]| {
            let is_valid = |c: char| c.is_ascii_alphanumeric() || others.contains(&c);
            !text.is_empty() && text.chars().all(is_valid)
        };
        let is_text = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        let detail = if !is_name(&self.region, &['-']) {
            "the region is not valid"
        } else if !is_name(host, &['-', '.', ':', '[', ']']) {
            "the STS host is not valid"
        } else if self.server_id.as_deref().is_some_and(|id| !is_text(id)) {
            "the server ID is not visible ASCII"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::LoginRefused, "sign the AWS request").with_detail(detail))
    }
}

fn fixed(credentials: AwsCredentials) -> Provider<AwsCredentials> {
    Provider::new(move || std::future::ready(Ok::<_, Error>(credentials.clone())))
}

#[expect(clippy::disallowed_methods, reason = "a signature of AWS contains the time of day")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Returns a time in AWS's form, such as `20150830T123600Z`.
fn timestamp(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(time.max(UNIX_EPOCH)).to_string();
    text.replace(['-', ':'], "")
}

#[async_trait]
impl Method for AwsIam {
    async fn login(&self, client: &LoginClient<'_>) -> Result<Login, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            role: Option<&'a str>,
            #[serde(rename = "iam_http_request_method")]
            method: &'a str,
            #[serde(rename = "iam_request_url")]
            url: String,
            #[serde(rename = "iam_request_body")]
            content: String,
            #[serde(rename = "iam_request_headers", serialize_with = "map")]
            headers: &'a [(&'a str, &'a str)],
        }
        let host = self.host();
        self.validate(&host)?;
        let credentials = self.credentials().await?;
        let timestamp = timestamp(now());
        let mut headers =
            vec![("Content-Type", CONTENT_TYPE), ("Host", &host), ("X-Amz-Date", &timestamp)];
        let token = credentials.session_token.as_ref().map(ExposeSecret::expose_secret);
        headers.extend(token.map(|token| ("X-Amz-Security-Token", token)));
        let server_id = self.server_id.as_deref();
        headers.extend(server_id.map(|id| ("X-Vault-AWS-IAM-Server-ID", id)));
        let signer = Signer {
            access_key_id: &credentials.access_key_id,
            secret_access_key: &credentials.secret_access_key,
            region: &self.region,
            service: "sts",
            timestamp: &timestamp,
        };
        let authorization = signer.authorization(METHOD, &headers, BODY);
        headers.push(("Authorization", &authorization));
        let body = Body {
            role: self.role.as_deref(),
            method: METHOD,
            url: BASE64_STANDARD.encode(format!("https://{host}/")),
            content: BASE64_STANDARD.encode(BODY),
            headers: &headers,
        };
        client.login(login_path(&self.mount), &body).await
    }
}

fn map<S: Serializer>(headers: &[(&str, &str)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.iter().copied())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn iam() -> AwsIam {
        AwsIam::new("gateway", AwsCredentials::new("AKIDEXAMPLE", "secret".into()))
    }

    #[test]
    fn timestamp_is_in_the_form_of_aws() {
        let time = UNIX_EPOCH + Duration::from_millis(1_440_938_160_999);
        assert_eq!(timestamp(time), "20150830T123600Z");
        assert_eq!(timestamp(UNIX_EPOCH - Duration::from_secs(1)), "19700101T000000Z");
    }

    #[test]
    fn host_is_that_of_the_region_unless_it_is_set() {
        assert_eq!(iam().host(), "sts.amazonaws.com");
        assert_eq!(iam().region("eu-west-1").host(), "sts.eu-west-1.amazonaws.com");
        assert_eq!(iam().region("cn-north-1").host(), "sts.cn-north-1.amazonaws.com.cn");
        assert_eq!(
            iam().region("eu-west-1").sts_host("sts.internal:8443").host(),
            "sts.internal:8443"
        );
    }

    #[test]
    fn region_host_or_server_id_that_would_change_the_request_is_an_error() {
        let check = |method: AwsIam, expected: Option<&str>| {
            let result = method.validate(&method.host());
            assert_eq!(result.err().map(|error| error.detail()), expected);
        };
        check(iam(), None);
        check(iam().region("eu-west-1").server_id("vault.example.com"), None);
        for region in ["", "eu west", "evil.example/", "eu-west-1\n"] {
            check(iam().region(region), Some("the region is not valid"));
        }
        for host in ["", "a/b", "https://sts.amazonaws.com", "a\nb", "user@host"] {
            check(iam().sts_host(host), Some("the STS host is not valid"));
        }
        for id in ["", "a b", "a\nX: y", "clé"] {
            check(iam().server_id(id), Some("the server ID is not visible ASCII"));
        }
    }
}
