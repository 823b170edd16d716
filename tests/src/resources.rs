use std::fs;

/// The most memory that a process has had in RAM so far, in KiB.
///
/// # Panics
/// When there is no such process.
#[must_use]
pub fn memory_peak(pid: u32) -> u64 {
    status_number(pid, "VmHWM:")
}

/// How much memory of a process is in RAM now, in KiB.
///
/// # Panics
/// When there is no such process.
#[must_use]
pub fn memory_resident(pid: u32) -> u64 {
    status_number(pid, "VmRSS:")
}

/// How many files, sockets and the like a process has open.
///
/// # Panics
/// When there is no such process, or it is somebody else's.
#[must_use]
pub fn open_files(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("the process runs")
        .count()
}

/// How many threads a process has.
///
/// # Panics
/// When there is no such process.
#[must_use]
pub fn threads(pid: u32) -> u64 {
    status_number(pid, "Threads:")
}

fn status_number(pid: u32, key: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    status
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("no {key} in {status}"))
}
