use std::fs;
use std::path::Path;

use ratchet_recurrence::Zone;

use super::finding::Finding;

const DATA: &str = "time-zone data";
const SYSTEM: &str = "system's zone";

pub(super) fn examine(root: &Path) -> Vec<Finding> {
    let variable = std::env::var("TZ").ok();
    vec![
        judge_data(Zone::database_version(), version_of_the_system(root).as_deref()),
        judge_zone(zone_of_the_system(root, variable.as_deref()).as_deref()),
    ]
}

/// Releases are named by their year and a letter, so that the order of the texts is theirs.
fn judge_data(ours: &str, of_the_system: Option<&str>) -> Finding {
    match of_the_system {
        Some(theirs) if theirs > ours => Finding::warning(
            DATA,
            format!("Ratchet has {ours}, the system {theirs}"),
            "ticks in zones whose rules have changed since follow the older rules: install a newer Ratchet; \
             https://www.iana.org/time-zones says what changed",
        ),
        Some(theirs) if theirs < ours => {
            Finding::ok(DATA, format!("{ours}; the system has the older {theirs}"))
        }
        Some(_) => Finding::ok(DATA, format!("{ours}, as the system has")),
        None => Finding::ok(DATA, format!("{ours}; which the system has cannot be told")),
    }
}

/// Schedules say their zone themselves; the system's is shown because people read clocks in it.
fn judge_zone(name: Option<&str>) -> Finding {
    let beside = "schedules have a zone of their own, UTC if they do not say";
    match name {
        None => Finding::ok(SYSTEM, format!("not known; {beside}")),
        Some(name) if name.parse::<Zone>().is_ok() => Finding::ok(SYSTEM, format!("{name}; {beside}")),
        Some(name) => Finding::warning(
            SYSTEM,
            format!("\"{name}\" is no zone that Ratchet knows; {beside}"),
            "set TZ or /etc/localtime to a zone of the IANA database, such as Europe/Berlin",
        ),
    }
}

/// The first line of the compiled rules is `# version 2025b`.
fn version_of_the_system(root: &Path) -> Option<String> {
    let rules = fs::read_to_string(root.join("usr/share/zoneinfo/tzdata.zi")).ok()?;
    let version = rules.lines().next()?.strip_prefix("# version ")?.trim();
    Some(version.to_owned())
}

fn zone_of_the_system(root: &Path, variable: Option<&str>) -> Option<String> {
    let named = variable
        .map(|name| name.trim_start_matches(':'))
        .filter(|name| !name.is_empty());
    let place = match named {
        Some(name) if !name.starts_with('/') => return Some(name.to_owned()),
        Some(file) => root.join(file.trim_start_matches('/')),
        None => root.join("etc/localtime"),
    };
    let place = fs::read_link(&place).unwrap_or(place);
    let (_, name) = place.to_str()?.rsplit_once("zoneinfo/")?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn newer_rules_of_the_system_are_a_warning() {
        assert_eq!(judge_data("2025b", Some("2025c")).verdict, Verdict::Warning);
        assert_eq!(judge_data("2025b", Some("2026a")).verdict, Verdict::Warning);
        assert_eq!(judge_data("2025b", Some("2025b")).verdict, Verdict::Ok);
        assert_eq!(judge_data("2025b", Some("2024a")).verdict, Verdict::Ok);
        assert_eq!(judge_data("2025b", None).verdict, Verdict::Ok);
    }

    #[test]
    fn a_zone_that_does_not_exist_is_a_warning() {
        assert_eq!(judge_zone(Some("Europe/Berlin")).verdict, Verdict::Ok);
        assert_eq!(judge_zone(Some("Europe/Atlantis")).verdict, Verdict::Warning);
        assert_eq!(judge_zone(None).verdict, Verdict::Ok);
    }

    #[cfg(unix)]
    #[test]
    fn version_and_zone_are_read_where_systems_have_them() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(version_of_the_system(root.path()), None);
        assert_eq!(zone_of_the_system(root.path(), None), None);
        fs::create_dir_all(root.path().join("usr/share/zoneinfo")).unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        fs::write(
            root.path().join("usr/share/zoneinfo/tzdata.zi"),
            "# version 2025b\nR a b\n",
        )
        .unwrap();
        std::os::unix::fs::symlink(
            "../usr/share/zoneinfo/Asia/Tokyo",
            root.path().join("etc/localtime"),
        )
        .unwrap();
        assert_eq!(version_of_the_system(root.path()).as_deref(), Some("2025b"));
        assert_eq!(
            zone_of_the_system(root.path(), Some("")).as_deref(),
            Some("Asia/Tokyo")
        );
        for file in ["/etc/localtime", ":/usr/share/zoneinfo/Asia/Tokyo"] {
            assert_eq!(
                zone_of_the_system(root.path(), Some(file)).as_deref(),
                Some("Asia/Tokyo")
            );
        }
        assert_eq!(
            zone_of_the_system(root.path(), Some(":UTC")).as_deref(),
            Some("UTC")
        );
    }
}
