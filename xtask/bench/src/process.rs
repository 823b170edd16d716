//! What the operating system says of processes.

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

/// CPU time that a process has used, in user and kernel mode.
pub(crate) fn cpu_time_of(id: u32) -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name of the program, in brackets, may hold anything; what follows it is numbers: proc_pid_stat(5).
    let (_, numbers) = stat.rsplit_once(')').ok_or("no name in /proc/…/stat")?;
    let ticks = numbers.split_ascii_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.map(str::parse::<u64>).sum::<Result<_, _>>()?;
    Ok(Duration::from_secs(ticks) / u32::try_from(rustix::param::clock_ticks_per_second())?)
}
