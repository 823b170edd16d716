/// What to say of a name that does not exist: the known one that is a few typing errors away, or else those that
/// begin like it for the longest.
pub(super) fn advice(unknown: &str, known: &[String]) -> String {
    let nearest = known
        .iter()
        .map(|name| (distance(unknown.as_bytes(), name.as_bytes()), name))
        .min()
        .filter(|(distance, name)| *distance * 4 <= name.len());
    if let Some((_, name)) = nearest {
        return format!("did you mean {name}?");
    }
    let longest = known.iter().map(|name| shared(unknown, name)).max();
    let alike: Vec<&str> = known
        .iter()
        .filter(|name| Some(shared(unknown, name)) == longest)
        .map(String::as_str)
        .collect();
    match alike[..] {
        [only] => format!("did you mean {only}?"),
        _ => format!("there are {}", alike.join(", ")),
    }
}

/// How many bytes both begin with.
fn shared(one: &str, other: &str) -> usize {
    one.bytes()
        .zip(other.bytes())
        .take_while(|(one, other)| one == other)
        .count()
}

/// The fewest insertions, deletions and replacements that turn one into the other.
fn distance(one: &[u8], other: &[u8]) -> usize {
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (i, from) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in other.iter().enumerate() {
            let replaced = above[j] + usize::from(from != to);
            row.push(replaced.min(above[j + 1] + 1).min(row[j] + 1));
        }
        above = row;
    }
    above[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice_of(unknown: &str) -> String {
        let known = ["server.bind", "server.grace", "scheduler.max_jobs", "log.level"];
        advice(unknown, &known.map(str::to_owned))
    }

    #[test]
    fn a_typing_error_is_told_from_another_word() {
        assert_eq!(advice_of("server.bnid"), "did you mean server.bind?");
        assert_eq!(advice_of("sever.bind"), "did you mean server.bind?");
        assert_eq!(advice_of("scheduler.maximum"), "did you mean scheduler.max_jobs?");
        assert_eq!(advice_of("server.port"), "there are server.bind, server.grace");
        assert_eq!(
            advice_of("wings"),
            "there are server.bind, server.grace, scheduler.max_jobs, log.level"
        );
    }
}
