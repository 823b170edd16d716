//! What the operating system says of this process.

use std::time::Duration;

use crate::Failure;

/// Memory that is resident now, in bytes.
pub(crate) fn resident_bytes() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .ok_or("no VmRSS in /proc/self/status")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1_024)
}

/// CPU time that this process has used, in user and kernel mode.
pub(crate) fn cpu_time() -> Result<Duration, Failure> {
    let clock = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(Duration::new(
        u64::try_from(clock.tv_sec)?,
        u32::try_from(clock.tv_nsec)?,
    ))
}
