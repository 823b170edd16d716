use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use crate::router::PREFIX;

/// Answers are data: no browser is to take one for a page with scripts, or to show it within another page.
const POLICY_OF_DATA: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// The pages of the documentation have scripts and styles of their own, and ask the server itself. Swagger UI writes styles
/// into its elements, and has pictures in them.
const POLICY_OF_PAGES: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                               img-src 'self' data:; font-src 'self' data:; connect-src 'self'; \
                               frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// Where those pages are.
const PAGES: &str = "/docs";

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Tells browsers what they must not do with an answer. What a handler has said itself holds.
pub(crate) async fn harden(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_page = is_below(path, PAGES);
    let is_data = is_below(path, PREFIX);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut add = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    add(X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(X_FRAME_OPTIONS, "DENY");
    add(REFERRER_POLICY, "no-referrer");
    add(RESOURCE_POLICY, "same-origin");
    add(
        CONTENT_SECURITY_POLICY,
        if is_page { POLICY_OF_PAGES } else { POLICY_OF_DATA },
    );
    if is_data {
        add(CACHE_CONTROL, "no-store");
    }
    response
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
