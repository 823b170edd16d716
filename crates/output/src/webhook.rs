mod answer;
mod check;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ratchet_interfaces::{
    Clock, Delivery, DeliveryError, DeliveryReceipt, HttpMethod, Secret, WebhookAuthentication,
    WebhookOptions, with_causes,
};
use ratchet_outbound::{OutboundClient, OutboundError, OutboundRequest};
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook as Signer,
};

use crate::content;

/// How much of an answer is read.
const ANSWER_BYTES: usize = 4 << 10;

/// The largest body. A webhook is a message; what is larger belongs into a file.
const MAX_BODY: usize = 16 << 20;

/// Sends results over HTTP.
pub(crate) struct Webhooks {
    client: OutboundClient,
    clock: Arc<dyn Clock>,
}

impl Webhooks {
    pub(crate) const fn new(client: OutboundClient, clock: Arc<dyn Clock>) -> Self {
        Self { client, clock }
    }

    /// What is wrong with a webhook, before anything is sent.
    pub(crate) fn check(&self, options: &WebhookOptions) -> Option<String> {
        check::check(options).err().or_else(|| {
            let request = self.request(options, Vec::new(), "check").ok()?;
            let error = self.client.check(&request).err()?;
            Some(format!("webhook: {}", with_causes(&error)))
        })
    }

    /// Sends a result. A redirect is not followed: it would turn a message into a question, or give it to somebody that
    /// its sender does not know.
    pub(crate) async fn send(
        &self,
        delivery: &Delivery,
        options: &WebhookOptions,
    ) -> Result<DeliveryReceipt, DeliveryError> {
        let wrong = |message: String| DeliveryError::Destination { message };
        let body = body(delivery, options).map_err(wrong)?;
        let request = self
            .request(options, body, &delivery.id.to_string())
            .map_err(wrong)?;
        match self.client.send(request).await {
            Ok(response) => answer::judge(&response, options, self.clock.now()),
            Err(error) => Err(unsent(&error)),
        }
    }

    /// The request with what proves who sends it.
    fn request(&self, options: &WebhookOptions, body: Vec<u8>, id: &str) -> Result<OutboundRequest, String> {
        let WebhookOptions {
            url,
            method,
            headers,
            timeout_seconds,
            content_type,
            retry_policy: _,
            authentication,
            signing_secret,
        } = options;
        let timestamp = self.clock.now().timestamp();
        let mut request = OutboundRequest {
            timeout: Duration::from_secs((*timeout_seconds).into()),
            max_body_bytes: ANSWER_BYTES,
            cuts_body: true,
            max_redirects: 0,
            ..OutboundRequest::new(method.as_str(), url)
        }
        .with_header(HEADER_WEBHOOK_ID, id)
        .with_header(HEADER_WEBHOOK_TIMESTAMP, timestamp.to_string());
        if *method != HttpMethod::Get {
            request = request.with_header("content-type", content_type);
        }
        for (name, value) in headers {
            request = request.with_header(name, value);
        }
        if let Some(authentication) = authentication {
            let (name, value) = credentials(authentication);
            request = request.with_header(name, value);
        }
        if let Some(secret) = signing_secret {
            let signature = signer(secret)?
                .sign(id, timestamp, &body)
                .map_err(|error| format!("webhook: it cannot be signed: {error}"))?;
            request = request.with_header(HEADER_WEBHOOK_SIGNATURE, signature);
        }
        request.body = body;
        Ok(request)
    }
}

/// The template's text, or the envelope. A GET has none.
fn body(delivery: &Delivery, options: &WebhookOptions) -> Result<Vec<u8>, String> {
    if options.method == HttpMethod::Get {
        return Ok(Vec::new());
    }
    let body = match &delivery.destination.template {
        Some(template) => content::parse(template)
            .and_then(|template| template.render(&delivery.payload))
            .map_err(|error| format!("webhook: {error}"))?
            .into_bytes(),
        None => serde_json::to_vec(&delivery.payload).map_err(|error| format!("webhook: {error}"))?,
    };
    if body.len() > MAX_BODY {
        return Err(format!(
            "webhook: the body has {} bytes: allowed are {MAX_BODY}; write what is as large to a file, or tell less of \
             it by a template",
            body.len()
        ));
    }
    Ok(body)
}

fn credentials(authentication: &WebhookAuthentication) -> (&str, String) {
    match authentication {
        WebhookAuthentication::Bearer { bearer } => {
            ("authorization", format!("Bearer {}", bearer.token.expose()))
        }
        WebhookAuthentication::Basic { basic } => {
            let pair = format!("{}:{}", basic.username, basic.password.expose());
            ("authorization", format!("Basic {}", STANDARD.encode(pair)))
        }
        WebhookAuthentication::ApiKey { api_key } => (&api_key.header_name, api_key.key.expose().to_owned()),
    }
}

/// The error does not show the secret.
fn signer(secret: &Secret) -> Result<Signer, String> {
    Signer::new(secret.expose())
        .map_err(|_| "webhook.signingSecret: \"whsec_\" and Base64 is allowed".to_owned())
}

/// Why there was no answer, and whether there may be one another time.
fn unsent(error: &OutboundError) -> DeliveryError {
    let retryable = match error {
        OutboundError::TimedOut { .. }
        | OutboundError::Unreachable { .. }
        | OutboundError::Interrupted { .. }
        | OutboundError::Setup(_) => true,
        OutboundError::InvalidRequest { .. }
        | OutboundError::Forbidden { .. }
        | OutboundError::TooLarge { .. }
        | OutboundError::TooManyRedirects { .. }
        | OutboundError::InvalidRedirect { .. } => false,
    };
    DeliveryError::Refused {
        message: with_causes(error),
        retryable,
        retry_after: None,
    }
}
