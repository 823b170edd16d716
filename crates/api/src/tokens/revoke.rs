use axum::extract::State;
use ratchet_interfaces::{TokenId, truncate_to_micros};

use crate::envelope::Action;
use crate::error::{ApiError, ErrorEnvelope};
use crate::id::PathId;
use crate::state::{ApiState, Services};
use crate::tokens::TAG;

/// Revokes a token for good: it is refused from the next request on, and what
/// `GET /events` still sends to whoever showed it ends.
#[utoipa::path(
    delete,
    path = "/tokens/{id}",
    tag = TAG,
    operation_id = "tokens_revoke",
    security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Action),
        (status = 404, body = ErrorEnvelope),
    )
)]
pub(super) async fn revoke(
    State(state): State<ApiState>,
    services: Services,
    PathId(id): PathId<TokenId>,
) -> Result<Action, ApiError> {
    let tokens = services.repositories.tokens();
    let token = tokens.token_find(id).await?;
    let token = token.ok_or_else(|| ApiError::not_found("token", &id.to_string()))?;
    let now = truncate_to_micros(services.clock.now());
    let revoked = tokens.token_revoke(id, now).await;
    // It may have been revoked also where that is not known.
    state.access().tokens_changed(&*services.clock).await;
    let message = if revoked? {
        tracing::info!(token.id = %id, token.name = token.name, "a token was revoked");
        format!("token \"{}\" was revoked", token.name)
    } else {
        format!("token \"{}\" had been revoked before", token.name)
    };
    Ok(Action::done(message))
}
