use axum::Json;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use ratchet_interfaces::PageRequest;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::example;
use crate::readable::{Readable, UnreadableRow};

/// One thing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct One<T> {
    pub(crate) data: T,
}

impl<T: Serialize> IntoResponse for One<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Many<T> {
    data: Vec<T>,
    /// Where the page lies, and when the answer was made.
    meta: Meta,
    /// What the list is of, for `Content-Range`.
    #[serde(skip)]
    #[schema(ignore)]
    noun: &'static str,
}

/// What a page says of itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "pagination": {
        "page": 1, "limit": 25, "total": 1, "totalPages": 1, "hasNext": false, "hasPrevious": false, "offset": 0
    },
    "timestamp": example::INSTANT,
}))]
pub(crate) struct Meta {
    /// Where the page lies in the list.
    pagination: Pagination,
    /// When the answer was made.
    timestamp: DateTime<Utc>,
    /// The rows of the page that are damaged, and stand in `total` but not in `data`; left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableRow>,
}

/// Where a page lies in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pagination {
    /// The number of the page, from 1.
    #[schema(example = 1)]
    page: u64,
    /// How many rows a page has at the most.
    #[schema(example = 25)]
    limit: u64,
    /// How many rows match on all pages together.
    #[schema(example = 1)]
    total: u64,
    /// How many pages that makes.
    #[schema(example = 1)]
    total_pages: u64,
    /// Whether rows come after this page.
    #[schema(example = false)]
    has_next: bool,
    /// Whether rows come before this page.
    #[schema(example = false)]
    has_previous: bool,
    /// How many rows come before this page.
    #[schema(example = 0)]
    offset: u64,
}

impl Pagination {
    pub(crate) fn of(request: PageRequest, total: u64) -> Self {
        let (offset, limit) = (request.offset(), request.limit());
        Self {
            page: offset / limit + 1,
            limit,
            total,
            total_pages: total.div_ceil(limit),
            has_next: offset.saturating_add(limit) < total,
            has_previous: offset > 0,
            offset,
        }
    }
}

impl<T> Many<T> {
    pub(crate) fn new(
        noun: &'static str,
        page: impl Into<Readable<T>>,
        request: PageRequest,
        now: DateTime<Utc>,
    ) -> Self {
        let (page, unreadable) = page.into().into_parts();
        let meta = Meta {
            pagination: Pagination::of(request, page.total),
            timestamp: now,
            unreadable,
        };
        Self {
            data: page.items,
            meta,
            noun,
        }
    }

    /// As in `schedules 0-24/319`, where both ends are rows of the list.
    fn range(&self) -> String {
        let Pagination { offset, total, .. } = self.meta.pagination;
        match (self.data.len() + self.meta.unreadable.len()) as u64 {
            0 => format!("{} */{total}", self.noun),
            rows => format!("{} {offset}-{}/{total}", self.noun, offset + rows - 1),
        }
    }
}

const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

impl<T: Serialize> IntoResponse for Many<T> {
    fn into_response(self) -> Response {
        let Ok(range) = HeaderValue::try_from(self.range()) else {
            // A noun is a word of this crate, and the rest is digits.
            return ApiError::internal().into_response();
        };
        let total = HeaderValue::from(self.meta.pagination.total);
        ([(TOTAL_COUNT, total), (header::CONTENT_RANGE, range)], Json(self)).into_response()
    }
}

/// Numbers about a resource.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Statistics<T> {
    pub(crate) stats: T,
    /// When the answer was made.
    pub(crate) timestamp: DateTime<Utc>,
    /// The time that the numbers are of.
    #[schema(example = "all")]
    pub(crate) period: &'static str,
}

impl<T: Serialize> IntoResponse for Statistics<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// That something was done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Action {
    /// Whether it was done.
    #[schema(example = true)]
    success: bool,
    /// What was done, in words.
    #[schema(example = "schedule nightly is deleted")]
    message: String,
}

impl Action {
    pub(crate) fn done(message: impl Into<String>) -> Self {
        Self {
            success: true,
            message: message.into(),
        }
    }
}

impl IntoResponse for Action {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::Page;

    use super::*;

    fn page(offset: u64, limit: u64, total: u64, rows: usize) -> Many<usize> {
        let page = Page {
            items: (0..rows).collect(),
            total,
        };
        let request = PageRequest::new(offset, limit).unwrap();
        Many::new("schedules", page, request, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_page_says_where_it_lies() {
        let middle = page(25, 25, 60, 25);
        assert_eq!(middle.range(), "schedules 25-49/60");
        let pagination = middle.meta.pagination;
        assert_eq!((pagination.page, pagination.total_pages), (2, 3));
        assert!(pagination.has_next && pagination.has_previous);
        let last = page(50, 25, 60, 10);
        assert_eq!(last.range(), "schedules 50-59/60");
        assert!(!last.meta.pagination.has_next);
        let none = page(0, 25, 0, 0);
        assert_eq!(none.range(), "schedules */0");
        assert_eq!(none.meta.pagination.total_pages, 0);
        assert!(!none.meta.pagination.has_next && !none.meta.pagination.has_previous);
    }
}
