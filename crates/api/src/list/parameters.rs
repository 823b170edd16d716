use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use crate::list::filter::{Comparison, Filter, Setter};
use crate::list::offer::Offer;
use crate::list::parse::{DEFAULT_LIMIT, MOST_ROWS};

/// The parameters of a list as the document has them.
pub(crate) fn of<F, S>(offer: &Offer<F, S>) -> Vec<Parameter> {
    let mut parameters = vec![
        parameter(
            "_start",
            "How many rows come before the page; wins over `page` and `limit`.",
            number().minimum(Some(0)),
        ),
        parameter(
            "_end",
            "How many rows there are up to the end of the page: at most 100 more than `_start`.",
            number().minimum(Some(1)),
        ),
        parameter(
            "page",
            "The number of the page, from 1.",
            number().minimum(Some(1)).default(Some(1.into())),
        ),
        parameter(
            "limit",
            "How many rows a page has.",
            number()
                .minimum(Some(1))
                .maximum(Some(MOST_ROWS as f64))
                .default(Some(DEFAULT_LIMIT.into())),
        ),
    ];
    if !offer.sorts.is_empty() {
        let fields: Vec<&str> = offer.sorts.iter().map(|sort| sort.field).collect();
        let words = format!(
            "The field by which the list is sorted; left out, it is sorted {}.",
            offer.default_order
        );
        parameters.push(parameter("_sort", &words, string().enum_values(Some(fields))));
        parameters.push(parameter(
            "_order",
            "The direction of `_sort`, in any case.",
            string()
                .enum_values(Some(["ASC", "DESC"]))
                .default(Some("ASC".into())),
        ));
    }
    parameters.extend(
        offer
            .filters
            .iter()
            .map(|filter| parameter(&filter.parameter(), filter.words, schema(filter))),
    );
    parameters
}

fn parameter(name: &str, words: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(words))
        .schema(Some(schema.build()))
        .build()
}

fn number() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer)
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn schema<F>(filter: &Filter<F>) -> ObjectBuilder {
    if filter.comparison == Comparison::OneOf {
        // Values with commas between them.
        return string();
    }
    let formatted = |format| string().format(Some(SchemaFormat::KnownFormat(format)));
    match &filter.setter {
        Setter::Text(_) => string(),
        Setter::Id(_) => formatted(KnownFormat::Uuid),
        Setter::Flag(_) => ObjectBuilder::new().schema_type(Type::Boolean),
        Setter::Instant(_) => formatted(KnownFormat::DateTime),
        Setter::Status(_) => number().minimum(Some(100)).maximum(Some(599)),
        Setter::Name { names, set: _ } => string().enum_values(Some(names())),
    }
}
