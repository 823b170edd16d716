use crate::envelope::Many;
use crate::error::{ApiError, ErrorEnvelope};
use crate::list::ListQuery;
use crate::readable::Readable;
use crate::state::Services;
use crate::tokens::TAG;
use crate::tokens::list::Tokens;
use crate::tokens::view::TokenView;

/// A page of the tokens.
#[utoipa::path(
    get,
    path = "/tokens",
    tag = TAG,
    operation_id = "tokens_list",
    security(("bearer" = ["admin"])),
    params(ListQuery<Tokens>),
    responses(
        (status = 200, body = Many<TokenView>),
        (status = 400, body = ErrorEnvelope, description = "A parameter is unknown or not allowed"),
    )
)]
pub(super) async fn list(services: Services, query: ListQuery<Tokens>) -> Result<Many<TokenView>, ApiError> {
    let tokens = services.repositories.tokens();
    let list = |request| tokens.token_list(&query.filter, request);
    let page = Readable::read(query.page, list).await?.map(Into::into);
    Ok(Many::new("tokens", page, query.page, services.clock.now()))
}
