use std::collections::HashSet;

use ratchet_interfaces::{Filter, PageRequest, SortOrder};

use crate::error::ApiError;
use crate::list::filter::AnyField;
use crate::list::offer::{Offer, Sort};

/// How many rows a page has, if the query does not say.
pub(crate) const DEFAULT_LIMIT: u64 = 25;
/// The most rows of a page.
pub(crate) const MOST_ROWS: u64 = PageRequest::MAX_LIMIT;
/// Rows are counted in the databases' signed 64-bit numbers.
const MOST_OFFSET: u64 = i64::MAX as u64;

/// Reads the query of a list.
///
/// # Errors
/// A 400 names the parameter, its value, and what is allowed.
pub(crate) fn parse<C, S: Default>(
    offer: &Offer<C, S>,
    query: &str,
) -> Result<(Filter<C>, S, PageRequest), ApiError> {
    let mut filter = Filter::default();
    let mut paging = Paging::default();
    let (mut sort, mut order) = (None, None);
    let mut seen = HashSet::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "_start" => set_once(&mut paging.start, &name, number(&name, &value, 0)?)?,
            "_end" => set_once(&mut paging.end, &name, number(&name, &value, 0)?)?,
            "page" => set_once(&mut paging.page, &name, number(&name, &value, 1)?)?,
            "limit" => set_once(&mut paging.limit, &name, number(&name, &value, 1)?)?,
            "_sort" => set_once(&mut sort, &name, key(offer.sorts, &value)?)?,
            "_order" => set_once(&mut order, &name, direction(&value)?)?,
            _ => {
                let means = |field: &&'static dyn AnyField<C>| Some((*field, field.comparison(&name)?));
                let known = offer.fields.iter().find_map(means);
                let (field, comparison) = known.ok_or_else(|| unknown(offer, &name))?;
                if !seen.insert(field.parameter(comparison)) {
                    return Err(twice(&name));
                }
                let condition = field
                    .condition(comparison, &value)
                    .map_err(|rule| ApiError::bad_request(format!("{name}: {rule}")))?;
                filter = filter.and(condition);
            }
        }
    }
    let sort = match (sort, order) {
        (Some(sort), order) => sort(order.unwrap_or_default()),
        // Without a key there is no direction: what `_order` says is of the first key, as it is the default's.
        (None, Some(order)) if !offer.sorts.is_empty() => (offer.sorts[0].sort)(order),
        (None, _) => S::default(),
    };
    Ok((filter, sort, paging.request()?))
}

#[derive(Default)]
struct Paging {
    start: Option<u64>,
    end: Option<u64>,
    page: Option<u64>,
    limit: Option<u64>,
}

impl Paging {
    fn request(&self) -> Result<PageRequest, ApiError> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if limit > MOST_ROWS {
            return Err(ApiError::bad_request(format!(
                "limit is {limit}: a page has 1 to {MOST_ROWS} rows"
            )));
        }
        let (offset, limit) = match (self.start, self.end) {
            (None, None) => {
                let before = self.page.unwrap_or(1) - 1;
                (before.saturating_mul(limit), limit)
            }
            (start, end) => {
                let start = start.unwrap_or(0);
                let end = end.unwrap_or(start.saturating_add(limit));
                (start, span(start, end)?)
            }
        };
        if offset > MOST_OFFSET - MOST_ROWS {
            return Err(ApiError::bad_request(format!(
                "the page begins after {offset} rows: no list is so long"
            )));
        }
        PageRequest::new(offset, limit).map_err(ApiError::from)
    }
}

fn span(start: u64, end: u64) -> Result<u64, ApiError> {
    match end.checked_sub(start) {
        None | Some(0) => Err(ApiError::bad_request(format!(
            "_start is {start} and _end is {end}: _end must be greater"
        ))),
        Some(rows) if rows > MOST_ROWS => Err(ApiError::bad_request(format!(
            "_start is {start} and _end is {end}: at most {MOST_ROWS} rows may lie between them"
        ))),
        Some(rows) => Ok(rows),
    }
}

fn number(name: &str, value: &str, least: u64) -> Result<u64, ApiError> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    value
        .parse()
        .ok()
        .filter(|number| digits && *number >= least)
        .ok_or_else(|| {
            ApiError::bad_request(format!(
                "{name} is \"{value}\": it is a whole number, {least} or more"
            ))
        })
}

fn direction(value: &str) -> Result<SortOrder, ApiError> {
    match &*value.to_ascii_uppercase() {
        "ASC" => Ok(SortOrder::Ascending),
        "DESC" => Ok(SortOrder::Descending),
        _ => Err(ApiError::bad_request(format!(
            "_order is \"{value}\": it is ASC or DESC"
        ))),
    }
}

fn key<S>(sorts: &[Sort<S>], value: &str) -> Result<fn(SortOrder) -> S, ApiError> {
    let found = sorts.iter().find(|sort| sort.answers_to(value));
    found.map(|sort| sort.sort).ok_or_else(|| {
        let fields: Vec<&str> = sorts.iter().map(|sort| sort.field).collect();
        let allowed = match &fields[..] {
            [] => "this list has one order only".to_owned(),
            fields => format!("this list can be sorted by {}", fields.join(", ")),
        };
        ApiError::bad_request(format!("_sort is \"{value}\": {allowed}"))
    })
}

fn set_once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), ApiError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(twice(name)),
    }
}

fn twice(name: &str) -> ApiError {
    ApiError::bad_request(format!("{name} is given twice: it is allowed once"))
}

fn unknown<C, S>(offer: &Offer<C, S>, name: &str) -> ApiError {
    let paging = ["_start", "_end", "page", "limit", "_sort", "_order"].map(str::to_owned);
    let filters = offer.fields.iter().flat_map(|field| {
        let comparisons = field.comparisons().iter();
        comparisons.map(|comparison| field.parameter(*comparison))
    });
    let known: Vec<String> = paging.into_iter().chain(filters).collect();
    ApiError::bad_request(format!(
        "{name} is no parameter of this list: it takes {}",
        known.join(", ")
    ))
}

#[cfg(test)]
mod tests;
