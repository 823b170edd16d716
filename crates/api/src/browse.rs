//! Swagger UI below `/docs`, out of the binary: no address but the server's own is asked for anything.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use utoipa_swagger_ui::{Config, serve};

use crate::error::{ApiError, route_not_found};

/// Where the page is.
const PAGE: &str = "/docs";

/// The addresses are relative, so that they hold behind a proxy that puts something before them.
const INDEX: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ratchet API Documentation</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="stylesheet" href="docs/index.css">
<link rel="icon" href="docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/swagger-ui-standalone-preset.js"></script>
<script src="docs/swagger-initializer.js"></script>
</body>
</html>
"#;

/// The page and what it loads.
pub(crate) fn routes() -> Router {
    let config = Config::new([document_from_page()])
        // Otherwise each visit would be told to swagger.io.
        .validator_url("none")
        .doc_expansion("none")
        .persist_authorization(false);
    let config = Arc::new(config);
    Router::new()
        .route(PAGE, get(async || Html(INDEX)))
        .route(&format!("{PAGE}/"), get(async || Redirect::permanent("../docs")))
        .route(
            &format!("{PAGE}/{{*file}}"),
            get(
                async move |Path(file): Path<String>, uri: Uri| match asset(&file, config) {
                    Some(file) => file,
                    None => route_not_found(uri).await.into_response(),
                },
            ),
        )
}

/// Where the document is, seen from the page.
fn document_from_page() -> &'static str {
    crate::document::PATH.trim_start_matches('/')
}

fn asset(file: &str, config: Arc<Config<'static>>) -> Option<Response> {
    match serve(file, config) {
        Ok(file) => file.map(|file| match HeaderValue::try_from(&file.content_type) {
            Ok(content_type) => ([(header::CONTENT_TYPE, content_type)], file.bytes).into_response(),
            Err(error) => unreadable(&error),
        }),
        Err(error) => Some(unreadable(&*error)),
    }
}

fn unreadable(error: &dyn std::error::Error) -> Response {
    tracing::error!(%error, "a file of Swagger UI cannot be served");
    ApiError::internal().into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode};
    use tower::ServiceExt;

    use super::*;

    async fn get(path: &str) -> (StatusCode, String, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = routes().oneshot(request).await.unwrap();
        let status = answer.status();
        let header = |name| {
            let value = answer.headers().get(name);
            value
                .map(|value| value.to_str().unwrap().to_owned())
                .unwrap_or_default()
        };
        let told = header(header::CONTENT_TYPE) + &header(header::LOCATION);
        let body = to_bytes(answer.into_body(), 10_000_000).await.unwrap();
        (status, told, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn the_page_loads_only_what_this_server_has() {
        let (status, content_type, page) = get(PAGE).await;
        assert_eq!(
            (status, &*content_type),
            (StatusCode::OK, "text/html; charset=utf-8")
        );
        assert!(
            page.contains("<title>Ratchet API Documentation</title>"),
            "{page}"
        );
        let mut loaded = Vec::new();
        for attribute in ["src=\"", "href=\""] {
            let after = page.split(attribute).skip(1);
            loaded.extend(after.map(|rest| rest.split('"').next().unwrap()));
        }
        assert_eq!(loaded.len(), 6, "{loaded:?}");
        for file in loaded {
            let (status, content_type, content) = get(&format!("/{file}")).await;
            assert_eq!(status, StatusCode::OK, "{file}");
            assert!(!content.is_empty(), "{file}");
            let expected = match file.rsplit('.').next().unwrap() {
                "js" => "text/javascript",
                "css" => "text/css",
                _ => "image/png",
            };
            assert_eq!(content_type, expected, "{file}");
        }
        let (_, _, initializer) = get("/docs/swagger-initializer.js").await;
        assert!(
            initializer.contains("\"url\": \"api-docs/openapi.json\""),
            "{initializer}"
        );
        assert!(
            initializer.contains("\"validatorUrl\": \"none\""),
            "{initializer}"
        );
        assert!(!initializer.contains("://"), "{initializer}");
    }

    #[tokio::test]
    async fn the_page_with_a_slash_leads_to_the_page_and_other_files_are_missing() {
        let (status, location, _) = get("/docs/").await;
        assert_eq!((status, &*location), (StatusCode::PERMANENT_REDIRECT, "../docs"));
        let (status, _, body) = get("/docs/../Cargo.toml").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(body.contains("NOT_FOUND"), "{body}");
    }
}
