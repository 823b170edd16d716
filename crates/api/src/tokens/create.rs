use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SubsecRound, Utc};
use ratchet_interfaces::{AuditNote, Token, truncate_to_micros};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::IssuedToken;
use crate::body::JsonBody;
use crate::envelope::One;
use crate::error::{ApiError, ErrorEnvelope};
use crate::idempotency::WithoutSecret;
use crate::named::{Name, ScopeName};
use crate::router::PREFIX;
use crate::state::{ApiState, Services};
use crate::tokens::TAG;
use crate::tokens::view::NewToken;

/// A token that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateToken {
    /// What it is called, as the audit log does: unique among those that are not revoked.
    #[schema(min_length = 1, max_length = 100, example = "deploy")]
    name: String,
    /// What it allows.
    scope: ScopeName,
    /// It is refused from this instant on; left out, it never expires.
    #[schema(example = "2030-01-01T00:00:00Z")]
    expires_at: Option<DateTime<Utc>>,
}

/// Makes a token. Its secret is told this once.
#[utoipa::path(
    post,
    path = "/tokens",
    tag = TAG,
    operation_id = "tokens_create",
    security(("bearer" = ["admin"])),
    request_body = CreateToken,
    responses(
        (status = 201, body = One<NewToken>, headers(("Location" = String, description = "Its path"))),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or a value that is not allowed"),
        (status = 409, body = ErrorEnvelope, description = "A token that is not revoked has the name"),
        (status = 415, body = ErrorEnvelope),
        (status = 422, body = ErrorEnvelope, description = "A field is missing or of another type"),
    )
)]
pub(super) async fn create(
    State(state): State<ApiState>,
    services: Services,
    JsonBody(given): JsonBody<CreateToken>,
) -> Result<Response, ApiError> {
    let CreateToken {
        name,
        scope: Name(scope),
        expires_at,
    } = given;
    let now = truncate_to_micros(services.clock.now());
    let expires_at = expires_at.map(|instant| instant.trunc_subsecs(6));
    Token::check(&name, expires_at, now)?;
    let issued = IssuedToken::new(name, scope, expires_at, now).map_err(|error| {
        tracing::error!(%error, "the operating system gives no randomness");
        ApiError::internal()
    })?;
    AuditNote::is_about(issued.token.id);
    let created = services.repositories.tokens().token_create(&issued.token).await;
    // It may have been made also where that is not known.
    state.access().tokens_changed(&*services.clock).await;
    created?;
    let id = issued.token.id;
    tracing::info!(token.id = %id, token.name = issued.token.name, %scope, "a token was made");
    let kept = One {
        data: NewToken::without_secret(issued.token.clone()),
    };
    let kept = serde_json::to_string(&kept).map_err(|_| ApiError::internal())?;
    let data = NewToken::with_secret(issued);
    let mut response = (StatusCode::CREATED, One { data }).into_response();
    response.extensions_mut().insert(WithoutSecret(kept));
    if let Ok(path) = HeaderValue::try_from(format!("{PREFIX}/tokens/{id}")) {
        response.headers_mut().insert(header::LOCATION, path);
    }
    Ok(response)
}
