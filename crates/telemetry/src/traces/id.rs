//! Ids that are worked out, and not made up: whoever tells of a span, in whichever run of the server, gives it the same id,
//! so that what was before a crash and what was after it is one trace, and nothing of it need be stored.

use opentelemetry::trace::{SpanId, TraceId};
use ratchet_interfaces::{DeliveryId, ExecutionId, JobId};

/// Which of the spans that belong to one id it is.
#[derive(Clone, Copy)]
enum Part {
    Tick = 1,
    Creation = 2,
    Wait = 3,
    Delivery = 4,
}

/// A job's trace has the job's id: both are 128 bits.
pub(super) fn trace(job: JobId) -> TraceId {
    TraceId::from_bytes(job.as_uuid().into_bytes())
}

/// The tick that a job was made for.
pub(super) fn tick(job: JobId) -> SpanId {
    mixed(low(job.as_uuid().as_u128()), Part::Tick, 0)
}

/// The request by which somebody created a job.
pub(super) fn creation(job: JobId) -> SpanId {
    mixed(low(job.as_uuid().as_u128()), Part::Creation, 0)
}

pub(super) fn job(job: JobId) -> SpanId {
    SpanId::from(low(job.as_uuid().as_u128()))
}

pub(super) fn wait(execution: ExecutionId) -> SpanId {
    mixed(low(execution.as_uuid().as_u128()), Part::Wait, 0)
}

pub(super) fn execution(execution: ExecutionId) -> SpanId {
    SpanId::from(low(execution.as_uuid().as_u128()))
}

pub(super) fn delivery(delivery: DeliveryId, attempt: u32) -> SpanId {
    mixed(low(delivery.as_uuid().as_u128()), Part::Delivery, attempt)
}

/// Whether a job's trace is among those of which so many percent are told: by the part of its id that is random, so that
/// all of a trace is told, or nothing.
pub(super) fn is_sampled(job: JobId, percent: u64) -> bool {
    // Above these is a counter, by which ids of one moment differ.
    const RANDOM_BITS: u32 = 32;
    let random = low(job.as_uuid().as_u128()) & ((1 << RANDOM_BITS) - 1);
    u128::from(random) * 100 < u128::from(percent) << RANDOM_BITS
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
const fn low(id: u128) -> u64 {
    id as u64
}

/// The finalizer of SplitMix64: ids that differ in anything differ everywhere.
fn mixed(id: u64, part: Part, number: u32) -> SpanId {
    let mut bits = id ^ ((part as u64) << 40 | u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    // Nought is no id.
    SpanId::from(bits.max(1))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_trace_has_its_jobs_id_and_each_of_its_spans_one_of_its_own() {
        let (of, run, sent) = (JobId::new(), ExecutionId::new(), DeliveryId::new());
        assert_eq!(trace(of).to_string(), of.as_uuid().simple().to_string());
        let ids = [
            tick(of),
            creation(of),
            job(of),
            wait(run),
            execution(run),
            delivery(sent, 1),
            delivery(sent, 2),
        ];
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        assert_eq!(tick(of), tick(of));
    }

    #[test]
    fn of_so_many_percent_there_are_about_so_many() {
        let jobs: Vec<_> = (0..4_000).map(|_| JobId::new()).collect();
        let count = |percent| jobs.iter().filter(|job| is_sampled(**job, percent)).count();
        assert_eq!((count(0), count(100)), (0, 4_000));
        let tenth = count(10);
        assert!((250..=550).contains(&tenth), "{tenth}");
    }
}
