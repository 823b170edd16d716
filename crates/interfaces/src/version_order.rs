use std::cmp::Ordering;

/// Which of two versions of a task comes first: the order of Semantic Versioning where they are such versions, and the
/// same idea where they are not quite. Numbers between dots are compared as numbers, a missing one is 0, what follows a
/// hyphen makes a version come before the one without, and what follows a plus counts only where all else is equal.
///
/// ```
/// use ratchet_interfaces::compare_versions;
/// let mut versions = ["10.0.0", "2.0.0", "2.0.0-rc.1", "2.0.0-beta", "1.9"];
/// versions.sort_by(|a, b| compare_versions(a, b));
/// assert_eq!(versions, ["1.9", "2.0.0-beta", "2.0.0-rc.1", "2.0.0", "10.0.0"]);
/// ```
#[must_use]
pub fn compare_versions(one: &str, other: &str) -> Ordering {
    let (one_release, one_pre) = parts(one);
    let (other_release, other_pre) = parts(other);
    let length = one_release.len().max(other_release.len());
    fn number<'a>(release: &[&'a str], place: usize) -> &'a str {
        release.get(place).copied().unwrap_or("0")
    }
    (0..length)
        .map(|place| compare_identifiers(number(&one_release, place), number(&other_release, place)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
        .then_with(|| match (one_pre, other_pre) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(one), Some(other)) => compare_lists(&one, &other),
        })
        .then_with(|| one.cmp(other))
}

/// What is before the hyphen, and what after it.
fn parts(version: &str) -> (Vec<&str>, Option<Vec<&str>>) {
    let version = version.split_once('+').map_or(version, |(before, _)| before);
    match version.split_once('-') {
        Some((release, pre)) => (release.split('.').collect(), Some(pre.split('.').collect())),
        None => (version.split('.').collect(), None),
    }
}

fn compare_lists(one: &[&str], other: &[&str]) -> Ordering {
    one.iter()
        .zip(other)
        .map(|(one, other)| compare_identifiers(one, other))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| one.len().cmp(&other.len()))
}

/// A number comes before a word, and is compared by its value however long it is.
fn compare_identifiers(one: &str, other: &str) -> Ordering {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match (is_number(one), is_number(other)) {
        (true, true) => {
            let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
            one.len().cmp(&other.len()).then_with(|| one.cmp(other))
        }
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => one.cmp(other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_order_is_that_of_semantic_versioning() {
        let ascending = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.2",
            "1.10",
            "2026.11.24",
            "99999999999999999999999.0.0",
        ];
        for (place, one) in ascending.iter().enumerate() {
            for (other_place, other) in ascending.iter().enumerate() {
                assert_eq!(
                    compare_versions(one, other),
                    place.cmp(&other_place),
                    "{one} {other}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn only_the_same_text_is_equal_and_the_order_is_whole(
            one in "[0-9a.+-]{0,6}", two in "[0-9a.+-]{0,6}", three in "[0-9a.+-]{0,6}"
        ) {
            prop_assert_eq!(compare_versions(&one, &two), compare_versions(&two, &one).reverse());
            prop_assert_eq!(compare_versions(&one, &two).is_eq(), one == two);
            if compare_versions(&one, &two).is_le() && compare_versions(&two, &three).is_le() {
                prop_assert!(compare_versions(&one, &three).is_le());
            }
        }
    }
}
