use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::list::offer::Offer;
use crate::list::parse::{DEFAULT_LIMIT, MOST_ROWS};
use crate::list::value::string;

/// The parameters of a list as the document has them.
pub(crate) fn of<C, S>(offer: &Offer<C, S>) -> Vec<Parameter> {
    let mut parameters = vec![
        parameter(
            "_start",
            "How many rows come before the page; wins over `page` and `limit`.",
            number().minimum(Some(0)).examples([0]),
        ),
        parameter(
            "_end",
            "How many rows there are up to the end of the page: at most 100 more than `_start`.",
            number().minimum(Some(1)).examples([DEFAULT_LIMIT]),
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
    for field in offer.fields {
        parameters.extend(field.comparisons().iter().map(|comparison| {
            parameter(
                &field.parameter(*comparison),
                &format!("{}: {}.", field.words(), comparison.words()),
                field.schema(*comparison),
            )
        }));
    }
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
