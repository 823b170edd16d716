//! What the operating system says of this process.

/// What a process uses. What cannot be told is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ProcessUse {
    /// How many seconds of processor time, of itself and on its behalf.
    pub(crate) cpu_seconds: Option<f64>,
    /// How many bytes of memory are its own at this moment.
    pub(crate) resident_bytes: Option<u64>,
    /// How many files and sockets it has open.
    pub(crate) open_files: Option<u64>,
    /// How many it may have open.
    pub(crate) max_files: Option<u64>,
    /// How many threads it has.
    pub(crate) threads: Option<u64>,
}

#[cfg(not(target_os = "linux"))]
impl ProcessUse {
    /// Nothing is known here.
    pub(crate) fn now() -> Self {
        Self::default()
    }
}

#[cfg(target_os = "linux")]
impl ProcessUse {
    pub(crate) fn now() -> Self {
        let stat = std::fs::read_to_string("/proc/self/stat").ok();
        let stat = stat.as_deref().and_then(Stat::parse);
        let pages: Option<u64> = std::fs::read_to_string("/proc/self/statm")
            .ok()
            .and_then(|text| text.split_ascii_whitespace().nth(1)?.parse().ok());
        // The listing has itself open.
        let open = std::fs::read_dir("/proc/self/fd").ok();
        let open = open.map(|files| (files.count() as u64).saturating_sub(1));
        #[expect(
            clippy::cast_precision_loss,
            reason = "a process lives for less than 2^53 ticks"
        )]
        let seconds = |stat: Stat| stat.cpu_ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
        Self {
            cpu_seconds: stat.map(seconds),
            resident_bytes: pages.map(|pages| pages * rustix::param::page_size() as u64),
            open_files: open,
            max_files: rustix::process::getrlimit(rustix::process::Resource::Nofile).current,
            threads: stat.map(|stat| stat.threads),
        }
    }
}

/// What is used of `/proc/self/stat`.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    cpu_ticks: u64,
    threads: u64,
}

#[cfg(target_os = "linux")]
impl Stat {
    /// The name of the program, the second field, is in parentheses and may contain anything.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        // The third field comes first here: 14 and 15 are the time in user and system mode, 20 the threads.
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_have_any_name() {
        let text = "17 (a) b (c)) S 1 17 17 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 9 0 8000 1 2 3";
        let stat = Stat {
            cpu_ticks: 300,
            threads: 9,
        };
        assert_eq!(Stat::parse(text), Some(stat));
        assert_eq!(Stat::parse("17 a"), None);
    }

    #[test]
    fn this_process_uses_something() {
        let before = ProcessUse::now();
        assert!(before.resident_bytes.unwrap() > 100_000, "{before:?}");
        assert!(
            before.open_files.unwrap() >= 3 && before.threads.unwrap() >= 1,
            "{before:?}"
        );
        assert!(before.cpu_seconds.unwrap() >= 0.0, "{before:?}");
        let file = std::fs::File::open("/proc/self/stat").unwrap();
        assert!(ProcessUse::now().open_files.unwrap() > 3);
        drop(file);
    }
}
