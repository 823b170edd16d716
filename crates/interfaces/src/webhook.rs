use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::tag::tagged_by_text;
use crate::{Backoff, BackoffError, Secret};

/// How a result is sent over HTTP.
///
/// Its secrets are stored as they are; `Debug` and [`WebhookOptions::masked`] do not show them.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookOptions {
    /// Where to.
    pub url: String,
    /// By which method.
    #[serde(default)]
    pub method: HttpMethod,
    /// Further headers. The values of those whose name says that they hold a secret are treated as one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// How long one attempt may take, in seconds, 1 through 300.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u32,
    /// The type of the body.
    #[serde(default = "default_content_type")]
    pub content_type: String,
    /// When a delivery that failed is tried again.
    #[serde(default)]
    pub retry_policy: WebhookRetryPolicy,
    /// How the request proves who sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<WebhookAuthentication>,
    /// The secret by which the request is signed after the Standard Webhooks specification, `whsec_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_secret: Option<Secret>,
}

const fn default_timeout() -> u32 {
    30
}

fn default_content_type() -> String {
    "application/json".to_owned()
}

impl WebhookOptions {
    /// A POST of JSON without authentication, with the defaults of everything else.
    #[must_use]
    pub fn to(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            method: HttpMethod::default(),
            headers: BTreeMap::new(),
            timeout_seconds: default_timeout(),
            content_type: default_content_type(),
            retry_policy: WebhookRetryPolicy::default(),
            authentication: None,
            signing_secret: None,
        }
    }

    /// The same with the mask in place of each secret: what users get to see.
    #[must_use]
    pub fn masked(&self) -> Self {
        let header = |(name, value): (&String, &String)| {
            let hides = hides_a_secret(name);
            (
                name.clone(),
                if hides {
                    Secret::MASK.to_owned()
                } else {
                    value.clone()
                },
            )
        };
        Self {
            url: masked_url(&self.url),
            headers: self.headers.iter().map(header).collect(),
            authentication: self.authentication.as_ref().map(WebhookAuthentication::masked),
            signing_secret: self.signing_secret.as_ref().map(Secret::masked),
            ..self.clone()
        }
    }

    /// The same with the secrets of `stored` in place of masks; `None` if `stored` does not send to the same URL, or has no
    /// secret where there is a mask. A secret is never sent elsewhere than it was meant for.
    #[must_use]
    pub fn unmasked_by(&self, stored: &Self) -> Option<Self> {
        if self.url != stored.url && self.url != masked_url(&stored.url) {
            return None;
        }
        let mut unmasked = Self {
            url: stored.url.clone(),
            ..self.clone()
        };
        for (name, value) in &mut unmasked.headers {
            if value == Secret::MASK && hides_a_secret(name) {
                value.clone_from(stored.headers.get(name)?);
            }
        }
        if let Some(authentication) = &self.authentication
            && authentication.masked() == *authentication
        {
            let stored = stored.authentication.as_ref()?;
            unmasked.authentication = (stored.masked() == *authentication).then(|| stored.clone());
            unmasked.authentication.as_ref()?;
        }
        if let Some(secret) = &self.signing_secret
            && secret.expose() == Secret::MASK
        {
            unmasked.signing_secret = Some(stored.signing_secret.clone()?);
        }
        Some(unmasked)
    }

    /// Its secrets, for whoever must keep them out of a text.
    #[must_use]
    pub fn secrets(&self) -> Vec<&str> {
        let headers = self.headers.iter().filter(|(name, _)| hides_a_secret(name));
        let mut secrets: Vec<&str> = headers.map(|(_, value)| value.as_str()).collect();
        match &self.authentication {
            None => {}
            Some(WebhookAuthentication::Bearer { bearer }) => secrets.push(bearer.token.expose()),
            Some(WebhookAuthentication::Basic { basic }) => secrets.push(basic.password.expose()),
            Some(WebhookAuthentication::ApiKey { api_key }) => secrets.push(api_key.key.expose()),
        }
        secrets.extend(self.signing_secret.as_ref().map(Secret::expose));
        secrets
    }

    /// Where the request goes, as far as it can be shown: scheme, host and port. A path or a query may hold a secret.
    #[must_use]
    pub fn origin(&self) -> &str {
        let authority = self.url.find("://").map_or(0, |place| place + 3);
        let end = self.url[authority..]
            .find(['/', '?', '#', '\\'])
            .map_or(self.url.len(), |end| authority + end);
        let origin = &self.url[..end];
        if origin.contains('@') {
            "a URL with a name and password"
        } else {
            origin
        }
    }
}

impl fmt::Debug for WebhookOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            url: _,
            method,
            headers: _,
            timeout_seconds,
            content_type,
            retry_policy,
            authentication,
            signing_secret,
        } = self;
        f.debug_struct("WebhookOptions")
            .field("origin", &self.origin())
            .field("method", method)
            .field("headers", &self.masked().headers)
            .field("timeout_seconds", timeout_seconds)
            .field("content_type", content_type)
            .field("retry_policy", retry_policy)
            .field("authentication", authentication)
            .field("signing_secret", signing_secret)
            .finish()
    }
}

/// The URL with the mask in place of its password, and of each value of its query whose name says that it is a secret.
fn masked_url(url: &str) -> String {
    let (url, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let (place, query) = url.split_at(url.find('?').unwrap_or(url.len()));
    let authority = place.find("://").map_or(0, |scheme| scheme + 3);
    let path = place[authority..].find(['/', '\\']);
    let path = path.map_or(place.len(), |path| authority + path);
    let place = match place[authority..path].rfind('@').map(|at| authority + at) {
        Some(at) => match place[authority..at].find(':') {
            Some(colon) => format!("{}:{}{}", &place[..authority + colon], Secret::MASK, &place[at..]),
            None => place.to_owned(),
        },
        None => place.to_owned(),
    };
    let parameter = |parameter: &str| match parameter.split_once('=') {
        Some((name, _)) if hides_a_secret(name) => format!("{name}={}", Secret::MASK),
        _ => parameter.to_owned(),
    };
    let query = query.strip_prefix('?').map(|query| {
        let parameters: Vec<String> = query.split('&').map(parameter).collect();
        format!("?{}", parameters.join("&"))
    });
    format!("{place}{}{fragment}", query.unwrap_or_default())
}

/// Whether a header or a parameter of this name holds a secret, as far as its name says.
fn hides_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "auth",
        "token",
        "key",
        "secret",
        "password",
        "cookie",
        "signature",
        "credential",
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// When a delivery that failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WebhookRetryPolicy {
    /// How many attempts there are, 1 through 10.
    pub max_attempts: u32,
    /// How long after the first failure, in seconds.
    pub initial_delay_seconds: f64,
    /// How long at the most, in seconds.
    pub max_delay_seconds: f64,
    /// How many times as long after each further failure, 1 through 10.
    pub backoff_multiplier: f64,
}

impl Default for WebhookRetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            initial_delay_seconds: 1.0,
            max_delay_seconds: 300.0,
            backoff_multiplier: 2.0,
        }
    }
}

impl WebhookRetryPolicy {
    /// The delays between the attempts.
    ///
    /// # Errors
    /// [`BackoffError`] names the first value that is out of range.
    pub fn backoff(&self) -> Result<Backoff, BackoffError> {
        // No duration is NaN, infinite or negative; zero is refused by its field's name.
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        Backoff::exponential(
            seconds(self.initial_delay_seconds),
            seconds(self.max_delay_seconds),
            self.backoff_multiplier,
        )
    }
}

/// How a request proves who sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", tag = "authType", rename_all = "snake_case")]
pub enum WebhookAuthentication {
    /// `Authorization: Bearer …`
    Bearer {
        /// The token.
        bearer: BearerAuthentication,
    },
    /// `Authorization: Basic …`
    Basic {
        /// Name and password.
        basic: BasicAuthentication,
    },
    /// A header of its own.
    ApiKey {
        /// Header and key.
        #[serde(rename = "apiKey")]
        api_key: ApiKeyAuthentication,
    },
}

tagged_by_text!(WebhookAuthentication, "authType");

impl WebhookAuthentication {
    fn masked(&self) -> Self {
        match self {
            Self::Bearer { bearer } => Self::Bearer {
                bearer: BearerAuthentication {
                    token: bearer.token.masked(),
                },
            },
            Self::Basic { basic } => Self::Basic {
                basic: BasicAuthentication {
                    username: basic.username.clone(),
                    password: basic.password.masked(),
                },
            },
            Self::ApiKey { api_key } => Self::ApiKey {
                api_key: ApiKeyAuthentication {
                    key: api_key.key.masked(),
                    header_name: api_key.header_name.clone(),
                },
            },
        }
    }
}

/// A bearer token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BearerAuthentication {
    /// The token.
    pub token: Secret,
}

/// Name and password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasicAuthentication {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// A key in a header of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyAuthentication {
    /// The key.
    pub key: Secret,
    /// The header.
    pub header_name: String,
}

/// The method of an HTTP request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// GET
    #[serde(alias = "get")]
    Get,
    /// POST
    #[default]
    #[serde(alias = "post")]
    Post,
    /// PUT
    #[serde(alias = "put")]
    Put,
    /// PATCH
    #[serde(alias = "patch")]
    Patch,
    /// DELETE
    #[serde(alias = "delete")]
    Delete,
}

impl HttpMethod {
    /// The method as HTTP writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password_and_the_secrets_of_its_query() {
        for (url, shown) in [
            (
                "https://example.org/hook?team=blue",
                "https://example.org/hook?team=blue",
            ),
            ("https://ann@example.org/", "https://ann@example.org/"),
            (
                "https://ann:s3cret@example.org/a:b@c",
                "https://ann:********@example.org/a:b@c",
            ),
            (
                "https://ann:s@cret@example.org",
                "https://ann:********@example.org",
            ),
            (
                "https://example.org?apiKey=s3cret&team=blue&token=#part",
                "https://example.org?apiKey=********&team=blue&token=********#part",
            ),
        ] {
            assert_eq!(WebhookOptions::to(url).masked().url, shown, "{url}");
        }
    }

    fn with_secrets() -> WebhookOptions {
        let json = json!({
            "url": "https://example.org:8443/hook/s3cret?key=s3cret",
            "method": "put",
            "headers": {"X-Api-Token": "s3cret", "X-Team": "blue"},
            "authentication": {"authType": "api_key", "apiKey": {"key": "s3cret", "headerName": "X-Key"}},
            "signingSecret": "whsec_s3cret",
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn masks_stand_for_the_secrets_of_a_webhook_that_sends_to_the_same_place() {
        let stored = with_secrets();
        let shown = WebhookOptions {
            timeout_seconds: 7,
            ..stored.masked()
        };
        let unmasked = shown.unmasked_by(&stored).unwrap();
        let expected = WebhookOptions {
            timeout_seconds: 7,
            ..stored.clone()
        };
        assert_eq!(unmasked, expected);
        let elsewhere = WebhookOptions {
            url: "https://example.com".to_owned(),
            ..shown.clone()
        };
        assert_eq!(elsewhere.unmasked_by(&stored), None);
        for lacking in [
            WebhookOptions {
                headers: BTreeMap::new(),
                ..stored.clone()
            },
            WebhookOptions {
                authentication: None,
                ..stored.clone()
            },
            WebhookOptions {
                signing_secret: None,
                ..stored.clone()
            },
        ] {
            assert_eq!(shown.unmasked_by(&lacking), None);
        }
        let given = WebhookOptions {
            headers: BTreeMap::new(),
            ..stored.clone()
        };
        assert_eq!(given.unmasked_by(&WebhookOptions::to(&*stored.url)), Some(given));
    }

    #[test]
    fn secrets_are_stored_but_neither_printed_nor_shown() {
        let options = with_secrets();
        let stored = serde_json::to_value(&options).unwrap();
        assert_eq!(stored["authentication"]["apiKey"]["key"], "s3cret");
        assert_eq!(stored["headers"]["X-Api-Token"], "s3cret");
        assert_eq!(serde_json::from_value::<WebhookOptions>(stored).unwrap(), options);

        let printed = format!("{options:?}");
        assert!(!printed.contains("s3cret"), "{printed}");
        assert!(
            printed.contains("https://example.org:8443") && printed.contains("blue"),
            "{printed}"
        );

        let shown = serde_json::to_value(options.masked()).unwrap();
        assert_eq!(shown["authentication"]["apiKey"]["key"], Secret::MASK);
        assert_eq!(shown["signingSecret"], Secret::MASK);
        assert_eq!(
            shown["headers"],
            json!({"X-Api-Token": Secret::MASK, "X-Team": "blue"})
        );
        for authentication in [
            json!({"authType": "bearer", "bearer": {"token": "s3cret"}}),
            json!({"authType": "basic", "basic": {"username": "me", "password": "s3cret"}}),
        ] {
            let authentication: WebhookAuthentication = serde_json::from_value(authentication).unwrap();
            let shown = serde_json::to_string(&authentication.masked()).unwrap();
            assert!(
                !shown.contains("s3cret") && shown.contains(Secret::MASK),
                "{shown}"
            );
        }
    }

    #[test]
    fn an_origin_has_nothing_of_a_url_that_may_be_secret() {
        for (url, origin) in [
            ("https://example.org/a?b#c", "https://example.org"),
            ("HTTP://example.org:81?b", "HTTP://example.org:81"),
            ("https://[::1]:8/x", "https://[::1]:8"),
            ("https://me:s3cret@example.org/", "a URL with a name and password"),
            ("s3cret/path", "s3cret"),
            ("", ""),
        ] {
            assert_eq!(WebhookOptions::to(url).origin(), origin);
        }
    }

    #[test]
    fn a_retry_policy_out_of_range_is_named() {
        let policy: WebhookRetryPolicy =
            serde_json::from_value(json!({"initialDelaySeconds": 5, "maxDelaySeconds": 1})).unwrap();
        assert_eq!(policy.backoff().unwrap_err().field, "max_seconds");
        assert!(WebhookRetryPolicy::default().backoff().is_ok());
    }
}
