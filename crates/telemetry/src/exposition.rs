use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

use serde::Serialize;

/// Metrics as they are told: read from the text format of Prometheus (version 0.0.4), whose rules it checks.
///
/// ```
/// use ratchet_telemetry::Exposition;
/// let text = "# HELP ups_total Starts.\n# TYPE ups_total counter\nups_total{why=\"power\"} 2\n";
/// let exposition = Exposition::parse(text)?;
/// assert_eq!(exposition.value("ups_total", &[("why", "power")]), Some(2.0));
/// # Ok::<(), ratchet_telemetry::ExpositionError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Exposition {
    /// Each metric with its samples, in their order.
    #[serde(rename = "metrics")]
    pub families: Vec<Family>,
}

/// A metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Family {
    /// Its name.
    pub name: String,
    /// What kind of metric it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What it means.
    pub help: String,
    /// Its values.
    pub samples: Vec<Sample>,
}

/// What kind of metric it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It only rises, until the server starts again.
    Counter,
    /// It is what it is at this moment.
    Gauge,
    /// It counts how many values were at most so large.
    Histogram,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// The metric's name, for a histogram with `_bucket`, `_sum` or `_count` behind it.
    pub name: String,
    /// What it is the value of.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
}

/// A text is not in the format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {rule}: {text}")]
pub struct ExpositionError {
    line: usize,
    text: String,
    rule: &'static str,
}

impl Kind {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }

    fn of(name: &str) -> Option<Self> {
        [Self::Counter, Self::Gauge, Self::Histogram]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

impl Exposition {
    /// Reads a text.
    ///
    /// # Errors
    /// [`ExpositionError`] names the line and the rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, ExpositionError> {
        let mut exposition = Self::default();
        let mut help: Option<(&str, &str)> = None;
        for (number, line) in text.lines().enumerate() {
            let refused = |rule| ExpositionError {
                line: number + 1,
                text: line.to_owned(),
                rule,
            };
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, words) = rest.split_once(' ').ok_or_else(|| refused("it has no words"))?;
                help = Some((name, words));
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').ok_or_else(|| refused("it has no type"))?;
                let kind = Kind::of(kind).ok_or_else(|| refused("there is no such type"))?;
                let Some((_, help)) = help.take().filter(|(of, _)| *of == name) else {
                    return Err(refused("the words for it do not stand before it"));
                };
                exposition.begin(name, kind, help).map_err(refused)?;
            } else if !line.is_empty() {
                let sample = Sample::parse(line).ok_or_else(|| refused("it is no sample"))?;
                exposition.push(sample).map_err(refused)?;
            }
        }
        Ok(exposition)
    }

    fn begin(&mut self, name: &str, kind: Kind, help: &str) -> Result<(), &'static str> {
        if !is_name(name) {
            return Err("it is not the name of a metric");
        }
        if self.family(name).is_some() {
            return Err("the metric stands in two places");
        }
        if kind == Kind::Counter && !name.ends_with("_total") {
            return Err("the name of a counter ends with _total");
        }
        self.families.push(Family {
            name: name.to_owned(),
            kind,
            help: help.to_owned(),
            samples: Vec::new(),
        });
        Ok(())
    }

    fn push(&mut self, sample: Sample) -> Result<(), &'static str> {
        let family = self.families.last_mut().ok_or("its metric has no type")?;
        let suffix = sample
            .name
            .strip_prefix(&family.name)
            .ok_or("it is not of the metric above")?;
        let is_of_it = match family.kind {
            Kind::Counter | Kind::Gauge => suffix.is_empty(),
            Kind::Histogram => matches!(suffix, "_bucket" | "_sum" | "_count"),
        };
        if !is_of_it {
            return Err("it is not of the metric above");
        }
        if (suffix == "_bucket") != sample.labels.contains_key("le") {
            return Err("a bucket, and nothing else, has an upper bound");
        }
        if family.kind == Kind::Counter && (sample.value.is_nan() || sample.value < 0.0) {
            return Err("a counter is not below zero");
        }
        let is_twice = |other: &Sample| (&other.name, &other.labels) == (&sample.name, &sample.labels);
        if family.samples.iter().any(is_twice) {
            return Err("the same labels stand there twice");
        }
        family.samples.push(sample);
        Ok(())
    }

    /// The metric with this name.
    #[must_use]
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    /// The value with this name and these labels, all of them.
    #[must_use]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let samples = self.families.iter().flat_map(|family| &family.samples);
        let mut found = samples.filter(|sample| {
            sample.name == name
                && sample.labels.len() == labels.len()
                && labels
                    .iter()
                    .all(|(name, value)| sample.labels.get(*name).is_some_and(|of| of == value))
        });
        found.next().map(|sample| sample.value)
    }
}

impl Sample {
    fn parse(line: &str) -> Option<Self> {
        let end = line.find(['{', ' '])?;
        let (name, rest) = line.split_at(end);
        let (labels, value) = match rest.strip_prefix('{') {
            Some(rest) => labels(rest)?,
            None => (BTreeMap::new(), rest.to_owned()),
        };
        let value = match value.strip_prefix(' ')? {
            "+Inf" => f64::INFINITY,
            "-Inf" => f64::NEG_INFINITY,
            number => number.parse().ok()?,
        };
        is_name(name).then(|| Self {
            name: name.to_owned(),
            labels,
            value,
        })
    }
}

/// The labels up to the closing brace, and what follows it.
fn labels(text: &str) -> Option<(BTreeMap<String, String>, String)> {
    let mut labels = BTreeMap::new();
    let mut rest = text.chars().peekable();
    loop {
        if rest.next_if_eq(&'}').is_some() {
            return Some((labels, rest.collect()));
        }
        let mut name = String::new();
        while let Some(letter) = rest.next_if(|letter| *letter != '=') {
            name.push(letter);
        }
        rest.next_if_eq(&'=')?;
        let value = quoted(&mut rest)?;
        if !is_name(&name) || name.contains(':') || labels.insert(name, value).is_some() {
            return None;
        }
        if rest.next_if_eq(&',').is_none() && rest.peek() != Some(&'}') {
            return None;
        }
    }
}

fn quoted(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    rest.next_if_eq(&'"')?;
    let mut value = String::new();
    loop {
        match rest.next()? {
            '"' => return Some(value),
            '\\' => value.push(match rest.next()? {
                'n' => '\n',
                letter @ ('"' | '\\') => letter,
                _ => return None,
            }),
            letter => value.push(letter),
        }
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
    text.chars().all(allowed) && text.chars().next().is_some_and(|first| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_a_rule_is_refused_with_its_line() {
        let begun = "# HELP a_total A.\n# TYPE a_total counter\n";
        for (rest, rule) in [
            ("a_total -1\n", "below zero"),
            ("b_total 1\n", "not of the metric above"),
            ("a_total 1\na_total 2\n", "twice"),
            ("a_total{le=\"1\"} 1\n", "upper bound"),
            ("a_total one\n", "no sample"),
            ("a_total{x=\"1} 1\n", "no sample"),
            ("a_total{1x=\"1\"} 1\n", "no sample"),
            ("# TYPE b gauge\n", "do not stand before"),
            ("# HELP b B.\n# TYPE b counter\n", "_total"),
            ("# HELP a_total A.\n# TYPE a_total counter\n", "two places"),
            ("# HELP b B.\n# TYPE b summary\n", "no such type"),
        ] {
            let error = Exposition::parse(&format!("{begun}{rest}"))
                .unwrap_err()
                .to_string();
            assert!(
                error.contains(rule) && error.starts_with("line "),
                "{rest}: {error}"
            );
        }
        assert!(Exposition::parse("a 1\n").is_err());
    }

    #[test]
    fn labels_may_contain_anything() {
        let text = "# HELP a A.\n# TYPE a gauge\na{x=\"\\\"}, \\\\ \\n\",y=\"\"} +Inf\n";
        let exposition = Exposition::parse(text).unwrap();
        let labels = [("x", "\"}, \\ \n"), ("y", "")];
        assert_eq!(exposition.value("a", &labels), Some(f64::INFINITY));
    }
}
