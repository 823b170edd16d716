use serde::Serialize;

/// The distribution of some latencies, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Latencies {
    pub(crate) p50: i64,
    pub(crate) p99: i64,
    pub(crate) max: i64,
}

impl Latencies {
    /// Exact percentiles (nearest rank); `None` of nothing.
    pub(crate) fn of(mut micros: Vec<i64>) -> Option<Self> {
        micros.sort_unstable();
        let rank = |percent: usize| (micros.len() * percent).div_ceil(100).saturating_sub(1);
        Some(Self {
            p50: *micros.get(rank(50))?,
            p99: *micros.get(rank(99))?,
            max: *micros.last()?,
        })
    }
}

/// Microseconds, in a unit that a person reads.
pub(crate) fn shown(micros: i64) -> String {
    match micros {
        ..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{}.{:02} ms", micros / 1_000, micros % 1_000 / 10),
        _ => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let latencies = Latencies::of((1..=200).rev().collect()).unwrap();
        assert_eq!(
            latencies,
            Latencies {
                p50: 100,
                p99: 198,
                max: 200
            }
        );
        assert_eq!(
            Latencies::of(vec![7]).unwrap(),
            Latencies {
                p50: 7,
                p99: 7,
                max: 7
            }
        );
        assert_eq!(Latencies::of(Vec::new()), None);
    }

    #[test]
    fn a_latency_is_shown_in_a_readable_unit() {
        assert_eq!(shown(208), "208 µs");
        assert_eq!(shown(1_460), "1.46 ms");
        assert_eq!(shown(15_030_000), "15.03 s");
    }
}
