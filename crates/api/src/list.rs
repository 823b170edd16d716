//! Lists: which rows of a resource, in which order.
//!
//! A resource declares its filters and sort keys once, as an [`Offer`]: a line a field. The declaration is the parser (`parse`), and it
//! is the parameters in the OpenAPI document (`parameters`), so that the two cannot differ.

mod comparison;
mod filter;
mod offer;
mod parameters;
mod parse;
mod value;

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use ratchet_interfaces::{Filter, PageRequest};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::error::ApiError;

pub(crate) use filter::field;
pub(crate) use offer::{Offer, Sort};
pub(crate) use value::instant;

/// A resource of which there are lists.
pub(crate) trait Listed {
    /// What a row must be to stand in the list.
    type Condition: 'static;
    /// What it takes as an order.
    type Sort: Default + 'static;
    /// What a list can be filtered and sorted by.
    const OFFER: Offer<Self::Condition, Self::Sort>;
}

/// What the query of a list asks for.
#[derive(Debug)]
pub(crate) struct ListQuery<R: Listed> {
    pub(crate) filter: Filter<R::Condition>,
    pub(crate) sort: R::Sort,
    pub(crate) page: PageRequest,
    resource: PhantomData<R>,
}

impl<S: Sync, R: Listed> FromRequestParts<S> for ListQuery<R>
where
    R::Condition: Send,
    R::Sort: Send,
    R: Send,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or("");
        let (filter, sort, page) = parse::parse(&R::OFFER, query)?;
        Ok(Self {
            filter,
            sort,
            page,
            resource: PhantomData,
        })
    }
}

impl<R: Listed> IntoParams for ListQuery<R> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        parameters::of(&R::OFFER)
    }
}

#[cfg(test)]
mod tests;
