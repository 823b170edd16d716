/// What fields are called elsewhere: in the HTTP API, and in other schedulers.
const ELSEWHERE: &[(&str, &str)] = &[
    ("cronexpression", "cron"),
    ("schedule", "cron"),
    ("interval", "every"),
    ("dependson", "after"),
    ("outputdestinations", "outputs"),
    ("taskid", "task"),
    ("tz", "timezone"),
];

/// What to say of a field that there is not.
pub(crate) fn advice(unknown: &str, known: &[&str]) -> String {
    let plain = |name: &str| name.replace(['_', '-'], "").to_lowercase();
    let wanted = plain(unknown);
    let elsewhere = ELSEWHERE.iter().find(|(name, _)| *name == wanted);
    if let Some((_, here)) = elsewhere.filter(|(_, here)| known.contains(here)) {
        return format!("there is no such field: did you mean {here}?");
    }
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&wanted, &plain(name)), name))
        .min()
        .filter(|(distance, name)| distance * 3 <= name.len());
    match nearest {
        Some((_, name)) => format!("there is no such field: did you mean {name}?"),
        None => format!("there is no such field: there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_typing_errors_other_spellings_and_its_name_elsewhere() {
        let known = ["task", "cron", "maxRetries", "timeoutSeconds", "outputs"];
        for (unknown, meant) in [
            ("maxRetires", "maxRetries"),
            ("max_retries", "maxRetries"),
            ("timeout-seconds", "timeoutSeconds"),
            ("cronExpression", "cron"),
            ("outputDestinations", "outputs"),
            ("taks", "task"),
        ] {
            let advice = advice(unknown, &known);
            assert!(
                advice.ends_with(&format!("did you mean {meant}?")),
                "{unknown}: {advice}"
            );
        }
        assert!(advice("colour", &known).contains("there are task, cron, "));
    }
}
