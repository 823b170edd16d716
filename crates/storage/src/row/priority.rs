use ratchet_interfaces::JobPriority;

/// The number under which a priority is stored: the databases sort by it.
pub(crate) const fn rank(priority: JobPriority) -> i16 {
    match priority {
        JobPriority::Low => 0,
        JobPriority::Normal => 1,
        JobPriority::High => 2,
        JobPriority::Critical => 3,
    }
}

/// The priority that a number stands for.
pub(super) const fn of_rank(rank: i16) -> Option<JobPriority> {
    match rank {
        0 => Some(JobPriority::Low),
        1 => Some(JobPriority::Normal),
        2 => Some(JobPriority::High),
        3 => Some(JobPriority::Critical),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_important_priority_has_the_higher_rank() {
        let ranks: Vec<i16> = JobPriority::ALL.iter().map(|priority| rank(*priority)).collect();
        assert!(ranks.is_sorted());
        for priority in JobPriority::ALL {
            assert_eq!(of_rank(rank(*priority)), Some(*priority));
        }
    }
}
