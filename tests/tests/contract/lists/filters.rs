use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{escaped, send};
use crate::document::{Operation, Parameter, lists};
use crate::lists::row::{as_parameter, compare, shown};
use crate::lists::seed::Seed;
use crate::made::{Made, unique};

/// How the value of a parameter is compared, by what follows the field's name.
const SUFFIXES: [&str; 5] = ["_like", "_ne", "_in", "_gte", "_lte"];

/// From so many pages of a list rows are taken to be looked for.
const SOME_PAGES: usize = 3;
/// In so many pages they must be found, as others may have made more meanwhile.
const MOST_PAGES: usize = 20;

/// What in a query is no filter.
const PAGING: [&str; 6] = ["_start", "_end", "page", "limit", "_sort", "_order"];

/// A filter of a list, as the document has it.
struct Filter {
    parameter: Parameter,
    field: &'static str,
    suffix: &'static str,
    /// The parameter that is compared with one value: a list of values is a text in the document, whatever it is a list of.
    by_one: Option<Parameter>,
}

fn filters(list: &Operation) -> Vec<Filter> {
    let filter = |parameter: Parameter| {
        let suffix = SUFFIXES.iter().find(|suffix| parameter.name.ends_with(**suffix));
        let suffix = suffix.copied().unwrap_or("");
        let field = parameter.name.strip_suffix(suffix).unwrap();
        Filter {
            field,
            suffix,
            by_one: list.query().into_iter().find(|other| other.name == field),
            parameter,
        }
    };
    let parameters = list.query().into_iter();
    let parameters = parameters.filter(|parameter| !PAGING.contains(&parameter.name));
    parameters.map(filter).collect()
}

impl Filter {
    /// What says of which kind its values are.
    fn kind(&self) -> &Parameter {
        self.by_one.as_ref().unwrap_or(&self.parameter)
    }

    /// Whether any text is a value of the field.
    fn is_text(&self) -> bool {
        let kind = self.kind();
        kind.is("string") && kind.values().is_empty() && kind.schema.get("format").is_none()
    }

    /// Values that few rows have, or none, so that a filter shows that it filters even where all rows have the same.
    fn strangers(&self) -> Vec<Value> {
        let kind = self.kind();
        if !kind.values().is_empty() {
            return kind.values().into_iter().map(Value::from).collect();
        }
        let is_least = self.suffix == "_lte";
        if kind.has_format("uuid") {
            vec![json!(Uuid::now_v7())]
        } else if kind.has_format("date-time") {
            vec![json!(if is_least {
                "1990-01-01T00:00:00Z"
            } else {
                "2190-01-01T00:00:00Z"
            })]
        } else if kind.is("boolean") {
            vec![json!(true), json!(false)]
        } else if kind.is("integer") || kind.is("number") {
            vec![json!(if is_least { 0 } else { 1_000_000 })]
        } else if self.is_text() {
            vec![json!(unique("stranger"))]
        } else {
            Vec::new()
        }
    }

    /// What the parameter is given to find a row that has this value.
    fn wanted(&self, value: &Value) -> String {
        let text = as_parameter(value);
        match self.suffix {
            // A part of it, and in another case.
            "_like" if text.is_ascii() && text.len() > 2 => text[1..text.len() - 1].to_uppercase(),
            "_in" if self.is_text() => format!("nobody-has-this,{text}"),
            _ => text,
        }
    }

    /// Whether a row that has `value` is to be found where a parameter was made of `other`.
    fn accepts(&self, value: &Value, other: &Value) -> bool {
        let names = self.kind().values();
        let is_there = !value.is_null();
        match self.suffix {
            "" | "_in" => value == other || (is_there && compare(&names, value, other).is_eq()),
            "_ne" => value != other,
            "_gte" => is_there && compare(&names, value, other).is_ge(),
            "_lte" => is_there && compare(&names, value, other).is_le(),
            "_like" => {
                let part = self.wanted(other).to_lowercase();
                value
                    .as_str()
                    .is_some_and(|text| text.to_lowercase().contains(&part))
            }
            other => panic!("{other} is no comparison"),
        }
    }
}

/// The rows that a query finds on its first pages.
fn pages(path: &str, query: &str, most: usize) -> Vec<Value> {
    let mut rows = Vec::new();
    for page in 1..=most {
        let found = send("GET", &format!("{path}?page={page}&limit=100{query}"), &[], None).rows();
        let is_last = found.len() < 100;
        rows.extend(found);
        if is_last {
            break;
        }
    }
    rows
}

/// A list, and what of it a filter is tried on.
struct List {
    path: String,
    /// The part of a query that leaves what was made here alone, where there is one.
    narrow: String,
    /// Whether all rows were made here, and nobody else changes them.
    is_own: bool,
    rows: Vec<Value>,
}

impl List {
    /// That of an operation, narrowed without the parameter of the filter under test.
    fn of(operation: &Operation, seed: &Seed, filter: &Filter) -> Self {
        let path = seed.path(operation.path);
        let query = operation.query();
        let mut own = seed.own(operation.path);
        own.retain(|(name, _)| {
            *name != filter.parameter.name && query.iter().any(|parameter| parameter.name == *name)
        });
        let narrow = own
            .first()
            .map(|(name, value)| format!("&{name}={}", escaped(value)));
        let narrow = narrow.unwrap_or_default();
        // All rows of what was made here were made here.
        let is_own = operation.is_of_one() || !narrow.is_empty();
        let rows = pages(&path, &narrow, SOME_PAGES);
        assert!(
            !is_own || !rows.is_empty(),
            "{path}?{narrow} has no rows to try filters on"
        );
        Self {
            path,
            narrow,
            is_own,
            rows,
        }
    }
}

#[test]
pub(crate) fn every_filter_of_the_document_leaves_the_rows_that_it_says() {
    let made = Made::nothing();
    let seed = Seed::sown(&made);
    let mut tried = 0;
    for list in lists() {
        for filter in filters(&list) {
            let list = List::of(&list, &seed, &filter);
            let (path, rows) = (&list.path, &list.rows);
            let value = |row: &Value| {
                let name = filter.parameter.name;
                shown(row, filter.field)
                    .unwrap_or_else(|| panic!("{path}: {name} is a filter, and no row shows it: {row}"))
            };
            let mut values: Vec<Value> = rows.iter().map(value).filter(|value| !value.is_null()).collect();
            // Those of a middle row, too: the first and the last may be all that there are.
            let (first, middle, last) = (values.first(), values.get(values.len() / 2), values.last());
            values = [first, middle, last].into_iter().flatten().cloned().collect();
            values.dedup();
            tried += values.len();
            values.extend(filter.strangers());
            for value in values {
                leaves(&list, &filter, &value);
            }
        }
    }
    assert!(tried >= 40, "only {tried} filters could be tried");
}

/// That a filter with a value leaves the rows that it says, and no others, of those that were there before.
fn leaves(list: &List, filter: &Filter, value: &Value) {
    let List {
        path, narrow, rows, ..
    } = list;
    let wanted = filter.wanted(value);
    if filter.suffix == "_in" && as_parameter(value).contains(',') {
        // A value with a comma cannot be asked for in a list of values.
        return;
    }
    let query = format!("&{}={}{narrow}", filter.parameter.name, escaped(&wanted));
    let found = pages(path, &query, MOST_PAGES);
    for row in &found {
        let shown = shown(row, filter.field).unwrap();
        assert!(filter.accepts(&shown, value), "{path}?{query} finds {row}");
    }
    for row in rows {
        let shown = shown(row, filter.field).unwrap();
        // Nothing is said of rows that have no value, and somebody else's may have changed meanwhile.
        if shown.is_null() || !list.is_own && shown != *value || !filter.accepts(&shown, value) {
            continue;
        }
        let is_there = found.iter().any(|other| is_same(other, row));
        assert!(is_there, "{path}?{query} does not find {row}");
    }
}

/// Whether two rows are of the same thing.
fn is_same(a: &Value, b: &Value) -> bool {
    match a.get("id") {
        Some(id) => *id == b["id"],
        None => a == b,
    }
}

#[test]
pub(crate) fn a_filter_is_understood_in_snake_case_and_an_enumeration_in_any_case() {
    let made = Made::nothing();
    let seed = Seed::sown(&made);
    for list in lists() {
        for filter in filters(&list) {
            let name = filter.parameter.name;
            let list = List::of(&list, &seed, &filter);
            let List {
                path, narrow, rows, ..
            } = &list;
            let value = rows
                .iter()
                .filter_map(|row| shown(row, filter.field))
                .find(|value| !value.is_null());
            let Some(value) = value else { continue };
            let wanted = filter.wanted(&value);
            let ask = |name: &str, value: &str| -> Vec<Value> {
                let rows = pages(path, &format!("&{name}={}{narrow}", escaped(value)), SOME_PAGES);
                rows.iter()
                    .map(|row| json!([row["id"], row[filter.field]]))
                    .collect()
            };
            let found = ask(name, &wanted);
            let snake = ask(&snake_case(name), &wanted);
            if list.is_own {
                assert_eq!(snake, found, "{path}: {name}");
            }
            if filter.parameter.values().contains(&&*wanted) {
                let lower = ask(name, &wanted.to_lowercase());
                if list.is_own {
                    assert_eq!(lower, found, "{path}: {name}");
                }
            }
        }
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[test]
pub(crate) fn a_value_that_a_filter_cannot_have_is_refused() {
    let made = Made::nothing();
    let seed = Seed::sown(&made);
    for list in lists() {
        let path = seed.path(list.path);
        for filter in filters(&list) {
            let parameter = &filter.parameter;
            let wrong = if parameter.has_format("uuid") {
                "nobody"
            } else if parameter.has_format("date-time") {
                "yesterday"
            } else if parameter.is("boolean") {
                "perhaps"
            } else if parameter.is("integer") || parameter.is("number") {
                "several"
            } else if !parameter.values().is_empty() {
                "SOMETHING"
            } else {
                // Any text is one.
                continue;
            };
            let name = parameter.name;
            for wrong in [wrong, ""] {
                let answer = send("GET", &format!("{path}?{name}={wrong}"), &[], None);
                let message = answer.error(400, "BAD_REQUEST");
                assert!(message.contains(name), "{message}");
            }
        }
    }
}
