use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ratchet_interfaces::Token;

use crate::audit::{self, Deed};
use crate::auth::caller::{Caller, Identity};
use crate::auth::secret::ShownToken;
use crate::error::ApiError;
use crate::guard;
use crate::operation::Operations;
use crate::rate::Client;
use crate::state::{ApiState, Services};

/// What every request of the API passes.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) state: ApiState,
    pub(crate) operations: Arc<Operations>,
}

/// Lets a request through if whoever sends it may have it done. A route that the document does not declare is none.
pub(crate) async fn admit(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match gate.caller(&parts).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

impl Gate {
    async fn caller(&self, request: &Parts) -> Result<Caller, ApiError> {
        let path = request.extensions.get::<MatchedPath>();
        let path = path.map_or(request.uri.path(), MatchedPath::as_str);
        let operation = self.operations.find(&request.method, path).ok_or_else(|| {
            let allowed = self.operations.methods_of(path);
            ApiError::method_of_others(&request.method, request.uri.path(), &allowed)
        })?;
        let services = self.state.services()?;
        let access = self.state.access();
        if access.trusts_everybody {
            return Ok(Caller {
                identity: Identity::CommandLine,
                peer: None,
                operation: Arc::clone(operation),
            });
        }
        let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(address)| address.ip().to_canonical());

        let identity = self.identity(&request.headers, &services).await;
        let client = identity
            .as_ref()
            .map_or_else(|_| Client::at(peer), |identity| identity.client(peer));
        let counted = access.rate.count(client, services.clock.monotonic());
        counted.map_err(|wait| {
            let seconds = wait.as_secs() + 1;
            ApiError::rate_limited(
                format!(
                    "more than {} requests a second: wait for {seconds} s",
                    access.config.requests_per_second
                ),
                seconds,
            )
        })?;
        let identity = identity.inspect_err(|refusal| tell(refusal, request, peer))?;
        let is_known = identity.token_id().is_some();
        guard::check(request, is_known, &access.config.cors_origins)?;
        let caller = Caller {
            identity,
            peer,
            operation: Arc::clone(operation),
        };
        if let Identity::Token(token) = &caller.identity {
            access.note_use(token, &services);
            if let Err(refusal) = caller.check_scope(token) {
                let deed = Deed {
                    resource_id: None,
                    fields: Vec::new(),
                    status: refusal.status(),
                    note: None,
                };
                audit::record(&services, &caller, deed).await;
                return Err(refusal);
            }
        }
        Ok(caller)
    }

    /// Who sends it. A token that is shown must be valid, also where none is needed.
    async fn identity(&self, headers: &HeaderMap, services: &Services) -> Result<Identity, ApiError> {
        let (tokens, now) = (services.repositories.tokens(), services.clock.monotonic());
        let access = self.state.access();
        let mut shown = headers.get_all(AUTHORIZATION).iter();
        match (shown.next(), shown.next()) {
            (None, _) => {
                let open = access.config.open_without_tokens;
                if open && !access.known.is_any(now, tokens.token_exists()).await? {
                    return Ok(Identity::Local);
                }
                Err(ApiError::unauthorized(
                    "a token is needed, as in Authorization: Bearer rat_…; `ratchet token create` makes one",
                ))
            }
            (Some(header), None) => {
                let shown = header.to_str().ok().and_then(bearer).and_then(ShownToken::read);
                let shown = shown.ok_or_else(|| {
                    ApiError::invalid_token(
                        "Authorization has no token: it is Bearer and a text that begins with rat_",
                    )
                })?;
                // A damaged token is nothing that whoever shows it can mend, whatever it is that is asked for.
                let look = tokens.token_find(shown.id);
                let found = access.known.find(shown.id, now, look).await;
                let found = found.map_err(ApiError::of_server)?;
                let token = found.filter(|token| shown.is(token));
                // Whoever has the whole text may know what became of it; else an unknown id is as good as a wrong secret.
                let token = token.ok_or_else(|| ApiError::invalid_token("there is no such token"))?;
                if token.is_valid(services.clock.now()) {
                    return Ok(Identity::Token(token));
                }
                let why = if token.revoked_at.is_some() {
                    "was revoked"
                } else {
                    "has expired"
                };
                Err(ApiError::invalid_token(format!(
                    "the token \"{}\" {why}",
                    token.name
                )))
            }
            (Some(_), Some(_)) => Err(ApiError::invalid_token(
                "Authorization is given twice: it is allowed once",
            )),
        }
    }
}

impl Caller {
    fn check_scope(&self, token: &Token) -> Result<(), ApiError> {
        let needed = self.operation.scope;
        if token.scope >= needed {
            return Ok(());
        }
        Err(ApiError::forbidden(format!(
            "it takes the scope {needed}, and the token \"{}\" has {}",
            token.name, token.scope
        )))
    }
}

/// What follows the word Bearer, which is read in any case.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, text) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim())
}

/// Whoever is refused is not in the audit log, which strangers could fill.
fn tell(refusal: &ApiError, request: &Parts, peer: Option<IpAddr>) {
    if refusal.status() != StatusCode::UNAUTHORIZED {
        return;
    }
    let peer = peer.map(|peer| peer.to_string());
    if request.headers.contains_key(AUTHORIZATION) {
        tracing::info!(peer, reason = %refusal, "a request without a valid token was refused");
    } else {
        tracing::debug!(peer, "a request without a token was refused");
    }
}
