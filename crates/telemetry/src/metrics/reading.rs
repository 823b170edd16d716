use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::catalog::CATALOG;
use crate::exposition::Kind;

type Labels = Vec<(&'static str, String)>;

/// Values that are read when somebody asks. What could not be read is not among them, rather than told as it was.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    values: Vec<(&'static str, Labels, f64)>,
}

impl Reading {
    pub(super) fn set(&mut self, name: &'static str, value: f64) {
        self.set_of(name, Vec::new(), value);
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "what is counted here is fewer than 2^53"
    )]
    pub(super) fn count(&mut self, name: &'static str, value: u64) {
        self.set(name, value as f64);
    }

    pub(super) fn set_of(&mut self, name: &'static str, labels: Labels, value: f64) {
        self.values.push((name, labels, value));
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "what is counted here is fewer than 2^53"
    )]
    pub(super) fn count_of(&mut self, name: &'static str, labels: Labels, value: u64) {
        self.set_of(name, labels, value as f64);
    }
}

/// Where the registry finds the last reading.
#[derive(Clone, Default)]
pub(super) struct LastReading(Arc<Mutex<Reading>>);

impl LastReading {
    pub(super) fn set(&self, reading: Reading) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reading;
    }
}

impl fmt::Debug for LastReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LastReading")
    }
}

impl Collector for LastReading {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let reading = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for description in CATALOG {
            let values: Vec<_> = reading
                .values
                .iter()
                .filter(|(name, _, _)| *name == description.name)
                .collect();
            if values.is_empty() {
                continue;
            }
            let kind = match description.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge | Kind::Histogram => MetricType::Gauge,
            };
            // The encoder adds the ending of a counter.
            let name = description
                .name
                .strip_suffix("_total")
                .unwrap_or(description.name);
            let help = format!("{}.", description.help);
            let mut metric = encoder.encode_descriptor(name, &help, None, kind)?;
            for (_, labels, value) in values {
                let of = metric.encode_family(labels)?;
                match kind {
                    MetricType::Counter => ConstCounter::new(*value).encode(of)?,
                    _ => ConstGauge::new(*value).encode(of)?,
                }
            }
        }
        Ok(())
    }
}
