//! Time zones by name. Stored and compared as names, never as offsets.

use std::fmt;
use std::str::FromStr;

use chrono_tz::{IANA_TZDB_VERSION, TZ_VARIANTS, Tz};
use thiserror::Error;

use crate::item::clipped;

/// A time zone of the IANA database, parsed from its name and printed as it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Zone(Tz);

impl Zone {
    /// Coordinated universal time, which has neither gaps nor overlaps.
    pub const UTC: Self = Self(Tz::UTC);

    /// The zone as `chrono-tz` knows it.
    #[must_use]
    pub fn tz(self) -> Tz {
        self.0
    }

    /// The release of the IANA database that is compiled in, such as `2025b`.
    #[must_use]
    pub fn database_version() -> &'static str {
        IANA_TZDB_VERSION
    }
}

impl From<Tz> for Zone {
    fn from(tz: Tz) -> Self {
        Self(tz)
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| ZoneError {
            text: clipped(text),
            nearest: nearest(text),
        })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// A name that is not in the IANA database.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is not a time zone; {}", advice(nearest))]
pub struct ZoneError {
    /// The name as written.
    pub text: String,
    /// The names that look most like it, best first; empty if none does.
    pub nearest: Vec<String>,
}

fn advice(nearest: &[String]) -> String {
    match nearest {
        [] => "allowed are names of the IANA database, such as Europe/Berlin or UTC".to_owned(),
        [only] => format!("did you mean {only}?"),
        [others @ .., last] => format!("did you mean {} or {last}?", others.join(", ")),
    }
}

/// Up to three zones whose name, or whose city alone, is a few typing errors away.
fn nearest(text: &str) -> Vec<String> {
    const LONGEST: usize = 64;
    let wanted: Vec<char> = text
        .trim()
        .chars()
        .take(LONGEST)
        .map(|c| if c == ' ' { '_' } else { c.to_ascii_lowercase() })
        .collect();
    let tolerance = (wanted.len() / 5).max(1);
    let city_start = wanted
        .iter()
        .rposition(|&c| c == '/')
        .map_or(0, |slash| slash + 1);
    let mut ranked: Vec<(usize, usize, &str)> = TZ_VARIANTS
        .iter()
        .map(|zone| {
            let name = zone.name();
            let known: Vec<char> = name.chars().map(|c| c.to_ascii_lowercase()).collect();
            let known_city = known.iter().rposition(|&c| c == '/').map_or(0, |slash| slash + 1);
            let whole = distance(&wanted, &known);
            // The right city under the wrong continent is a near miss; a city alone is none at all.
            let city = distance(&wanted[city_start..], &known[known_city..]) + usize::from(city_start > 0);
            (whole.min(city), whole, name)
        })
        .filter(|(distance, ..)| *distance <= tolerance && *distance < wanted.len())
        .collect();
    ranked.sort_unstable();
    // Beside a perfect match, what is merely similar would only distract.
    let perfect = ranked.first().is_some_and(|(distance, ..)| *distance == 0);
    ranked
        .into_iter()
        .filter(|(distance, ..)| !perfect || *distance == 0)
        .take(3)
        .map(|(.., name)| name.to_owned())
        .collect()
}

/// The fewest insertions, deletions, replacements and swaps of neighbours that turn one into the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let mut cost = (above[j] + usize::from(from != to))
                .min(above[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *from == b[j - 1] && a[i - 1] == *to {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}
