use serde_json::{Value, json};

use crate::client::{escaped, send};
use crate::document::{Operation, Parameter, lists};
use crate::lists::row::{compare, shown};
use crate::lists::seed::Seed;
use crate::made::Made;

#[test]
pub(crate) fn every_sort_key_of_the_document_sorts_both_ways() {
    let made = Made::nothing();
    let seed = Seed::sown(&made);
    let mut sorted = 0;
    for list in lists() {
        let query = list.query();
        let Some(sort) = query.iter().find(|parameter| parameter.name == "_sort") else {
            continue;
        };
        for key in sort.values() {
            sorts(&list, &query, key, &seed);
            sorted += 1;
        }
    }
    assert!(sorted >= 10, "the document has {sorted} sort keys only");
}

/// All rows of a page, and all that were made here, in both directions.
fn sorts(list: &Operation, query: &[Parameter], key: &str, seed: &Seed) {
    let path = seed.path(list.path);
    let mut own = seed.own(list.path);
    own.retain(|(name, _)| query.iter().any(|parameter| parameter.name == *name));
    let narrow = own
        .iter()
        .map(|(name, value)| format!("&{name}={}", escaped(value)));
    let narrow: Vec<String> = narrow.collect();
    let mut most = 0;
    for narrow in std::iter::once("").chain(narrow.iter().map(String::as_str)) {
        let values = |order: &str| -> Vec<Value> {
            let asked = format!("{path}?_start=0&_end=100&_sort={key}&_order={order}{narrow}");
            let rows = send("GET", &asked, &[], None).rows();
            let value = |row: &Value| shown(row, key).unwrap_or_else(|| panic!("{asked}: no {key} in {row}"));
            rows.iter().map(value).collect()
        };
        let (ascending, descending) = (values("ASC"), values("DESC"));
        let names = names_of(list, key);
        in_order(&path, key, &names, &ascending);
        let reversed: Vec<Value> = descending.iter().rev().cloned().collect();
        in_order(&path, key, &names, &reversed);
        if list.is_of_one() || !narrow.is_empty() {
            // Nobody else has rows there.
            assert_eq!(there(&ascending), there(&reversed), "{path} by {key}");
        }
        most = most.max(there(&ascending).len());
    }
    assert!(most >= 2, "{path}: {most} rows have {key}, which have no order");
}

/// The names that a field of a list's rows can have, where the document says it.
fn names_of(list: &Operation, field: &str) -> Vec<&'static str> {
    let query = list.query();
    let filter = query.iter().find(|parameter| parameter.name == field);
    filter.map(Parameter::values).unwrap_or_default()
}

fn there(values: &[Value]) -> Vec<Value> {
    values.iter().filter(|value| !value.is_null()).cloned().collect()
}

/// That the values ascend; those that are null stand together at one end.
fn in_order(path: &str, key: &str, names: &[&str], values: &[Value]) {
    let without = there(values);
    for pair in without.windows(2) {
        let order = compare(names, &pair[0], &pair[1]);
        assert!(order.is_le(), "{path} by {key}: {} before {}", pair[0], pair[1]);
    }
    let nulls = values.len() - without.len();
    let (first, last) = (&values[..nulls], &values[values.len() - nulls..]);
    assert!(
        [first, last].iter().any(|end| end.iter().all(Value::is_null)),
        "{path} by {key}: nulls among {}",
        json!(values)
    );
}
